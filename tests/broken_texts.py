"""A scenario file that uses much of the language, and edits that break it."""

from hypothesis import strategies as st

TEXT = """\
name: "A demo \\u00e9"
settings: {store_incomplete_executions: true, retry_schedule: [10m, 1h]}
inputs: {customer: {type: text, default: "x", required: false}}
connections:
  cloudconvert: {type: cloudconvert, api_key: {env: KEY}}
flow:
  - id: video
    module: files.watch_folder
    with: {folder: inbox, pattern: "*.mov"}
  - id: convert
    module: cloudconvert.convert_file
    filter: {name: big, any: [{all: [["{{ video.size }}", "number:greater", 5]]}]}
    with:
      input_file: upload
      file: "{{ video.file }}"
      output_format: mp4
      download_file: true
      file_name: >-
        {{ video.file.stem }}
        of {{ inputs.customer }}.mp4
    on_error:
      - module: flow.break
        with: {attempts: 3, interval: 15m}
  - id: each
    module: flow.iterator
    with: {array: "{{ convert.files }}"}
  - id: collected
    module: flow.array_aggregator
    with: {source: each, fields: {name: '{{ each.name }}'}}
  - module: flow.router
    routes:
      - {name: a, filter: "{{ collected.array|length > 1 }}", flow: [{module: files.save_file,
         with: {folder: out, file: "{{ convert.file }}"}}]}
      - fallback: true
"""

PIECES = [
    *(
        "",
        " ",
        "\n",
        "  ",
        "\t",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        '"',
        "'",
        "{{",
        "}}",
        "#",
        "|",
        ">",
    ),
    *("&a", "*a", "!t", "%", "@", "null", "5", "\u2028", "é", "\\", "flow: ", "id: ", "0x1"),
]

EDITS = st.lists(
    st.tuples(st.integers(0, len(TEXT)), st.integers(0, 12), st.sampled_from(PIECES)),
    min_size=1,
    max_size=4,
)
