"""Where executions, incomplete executions, cursors and files are kept."""
