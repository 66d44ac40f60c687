"""A scenario with nodes and edges of all kinds, to be drawn."""

ALL_KINDS = """\
name: All kinds
flow:
  - id: video
    module: demo.watch
    label: 'My "own" <b>videos</b>'
    with: {folder: inbox}
  - id: each
    module: flow.iterator
    with: {array: "{{ video.tags }}"}
    on_error: [{module: flow.ignore}]
  - id: fork
    module: flow.router
    routes:
      - name: named
        filter: "{{ each.value == 'a' }}"
        flow:
          - {id: agg, module: flow.array_aggregator, with: {fields: {a: 1}}}
          - id: put
            module: demo.put
            filter: {name: only full ones, any: []}
      - filter: "{{ each.value == 'b' }}"
        disabled: true
        flow: []
      - fallback: true
        flow: [{id: other, module: demo.put, disabled: true}]
on_error: [{module: flow.rollback}]
"""
