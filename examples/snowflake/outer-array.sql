-- A pipe that was made for arrays, as it may stand already: it loads forebay's objects as they are.

USE SCHEMA teleport.audit;

CREATE FILE FORMAT IF NOT EXISTS json_arrays
  TYPE = JSON
  STRIP_OUTER_ARRAY = TRUE;

CREATE TABLE IF NOT EXISTS array_events (event VARIANT);

CREATE PIPE IF NOT EXISTS load_array_events AUTO_INGEST = TRUE AS
COPY INTO array_events
FROM @audit_logs/audit/
FILE_FORMAT = (FORMAT_NAME = 'json_arrays');
