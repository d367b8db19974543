-- For objects of `time TAB tag TAB record` lines (../raw-lines.conf), or of any other text: a line
-- is loaded as it is, and taken apart by a view. So a line that is broken loses nothing.

USE SCHEMA teleport.audit;

CREATE FILE FORMAT IF NOT EXISTS whole_lines
  TYPE = CSV
  FIELD_DELIMITER = NONE
  -- The default is the backslash, and would eat those that JSON's strings have.
  ESCAPE_UNENCLOSED_FIELD = NONE
  COMPRESSION = AUTO;

CREATE TABLE IF NOT EXISTS raw_lines (line VARCHAR);

CREATE PIPE IF NOT EXISTS load_lines AUTO_INGEST = TRUE AS
COPY INTO raw_lines
FROM @audit_logs/raw/
FILE_FORMAT = (FORMAT_NAME = 'whole_lines');

-- A record has no tab: JSON writes it as \t.
CREATE OR REPLACE VIEW lines AS
SELECT
  TRY_CAST(SPLIT_PART(line, '\t', 1) AS TIMESTAMP_NTZ) AS event_time,
  SPLIT_PART(line, '\t', 2) AS tag,
  TRY_PARSE_JSON(SPLIT_PART(line, '\t', 3)) AS event,
  line
FROM raw_lines;
