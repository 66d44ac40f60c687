"""CloudConvert: converts, merges and archives files, at the service or on this machine."""

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from engine.module import (
    Connector,
    Embedded,
    Fetch,
    Mentioned,
    load_object,
    nothing_mentioned,
)
from modules.cloudconvert.connection import CloudConvertConnection


def embedded(
    data_folder: Path, fetch: Fetch, mentioned: Mentioned = nothing_mentioned
) -> AbstractAsyncContextManager[Embedded]:
    """Start the connector's own server; it is imported now, so that other runs do not pay for it.

    `data_folder` keeps its state and files from run to run, what `mentioned` names past its time.
    """
    server: AbstractAsyncContextManager[Embedded] = load_object(
        "modules.cloudconvert.local.embedded:embedded"
    )(data_folder, fetch, mentioned)
    return server


connector = Connector(
    name="cloudconvert",
    title="CloudConvert",
    modules={
        "convert_file": "modules.cloudconvert.convert_file:ConvertFile",
        "merge_files": "modules.cloudconvert.merge_files:MergeFiles",
        "create_archive": "modules.cloudconvert.create_archive:CreateArchive",
        "optimize_file": "modules.cloudconvert.optimize_file:OptimizeFile",
        "capture_website": "modules.cloudconvert.capture_website:CaptureWebsite",
        "create_job": "modules.cloudconvert.create_job:CreateJob",
        "get_job": "modules.cloudconvert.get_job:GetJob",
        "list_jobs": "modules.cloudconvert.list_jobs:ListJobs",
        "delete_job": "modules.cloudconvert.delete_job:DeleteJob",
        "download_file": "modules.cloudconvert.download_file:DownloadFile",
        "get_task": "modules.cloudconvert.get_task:GetTask",
        "list_tasks": "modules.cloudconvert.list_tasks:ListTasks",
        "cancel_task": "modules.cloudconvert.cancel_task:CancelTask",
        "retry_task": "modules.cloudconvert.retry_task:RetryTask",
        "delete_task": "modules.cloudconvert.delete_task:DeleteTask",
        "get_my_info": "modules.cloudconvert.get_my_info:GetMyInfo",
        "list_operations": "modules.cloudconvert.list_operations:ListOperations",
        "new_job_event": "modules.cloudconvert.new_job_event:NewJobEvent",
        "make_api_call": "modules.cloudconvert.make_api_call:MakeApiCall",
    },
    connection=CloudConvertConnection,
    embedded=embedded,
    commands="modules.cloudconvert.commands:commands",
    health="modules.cloudconvert.local.health:health",
)
