"""Files: folders and files of this machine, as trigger, input and output of scenarios."""

from engine.module import Connector

connector = Connector(
    name="files",
    title="Files",
    modules={
        "watch_folder": "modules.files.watch_folder:WatchFolder",
        "get_file": "modules.files.get_file:GetFile",
        "save_file": "modules.files.save_file:SaveFile",
    },
)
