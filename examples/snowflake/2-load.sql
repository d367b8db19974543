-- From the stage into tables, as objects arrive.

USE SCHEMA teleport.audit;

-- One row an event, as it was sent. The object and the line it came from are kept: a row can be
-- held against the bucket at any time, and the bucket is the evidence.
CREATE TABLE IF NOT EXISTS raw_events (
  event VARIANT NOT NULL,
  file_name VARCHAR NOT NULL,
  file_row NUMBER NOT NULL,
  loaded_at TIMESTAMP_LTZ DEFAULT CURRENT_TIMESTAMP()
);

-- Session recordings are many times as much, and few ask for them: a table of their own.
CREATE TABLE IF NOT EXISTS raw_session_events (
  event VARIANT NOT NULL,
  file_name VARCHAR NOT NULL,
  file_row NUMBER NOT NULL,
  loaded_at TIMESTAMP_LTZ DEFAULT CURRENT_TIMESTAMP()
);

-- A pipe remembers the names it has loaded for 14 days and takes none twice; forebay never uses
-- a name twice. Each pipe names its prefix, so that none loads what another one does.
CREATE PIPE IF NOT EXISTS load_events AUTO_INGEST = TRUE AS
COPY INTO raw_events (event, file_name, file_row)
FROM (SELECT $1, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM @audit_logs/audit/)
FILE_FORMAT = (FORMAT_NAME = 'json_lines');

CREATE PIPE IF NOT EXISTS load_session_events AUTO_INGEST = TRUE AS
COPY INTO raw_session_events (event, file_name, file_row)
FROM (SELECT $1, METADATA$FILENAME, METADATA$FILE_ROW_NUMBER FROM @audit_logs/sessions/)
FILE_FORMAT = (FORMAT_NAME = 'json_lines');

-- The column notification_channel is the ARN of Snowflake's queue: it goes into
-- ../aws/bucket-notification.json as ${queue_arn}, and S3 tells the pipes of each new object.
SHOW PIPES LIKE 'load%';

-- Objects that were there before the notification was: of the last seven days. For older ones
-- run the pipe's COPY by hand; what was loaded within 64 days is left out.
ALTER PIPE load_events REFRESH;
ALTER PIPE load_session_events REFRESH;

-- Is it running, and what came of the last objects?
SELECT SYSTEM$PIPE_STATUS('load_events');
SELECT file_name, status, row_count, first_error_message
FROM TABLE(INFORMATION_SCHEMA.COPY_HISTORY(
  TABLE_NAME => 'RAW_EVENTS', START_TIME => DATEADD(hour, -24, CURRENT_TIMESTAMP())))
ORDER BY last_load_time DESC;
