-- From the bucket to a stage. Run once, as ACCOUNTADMIN (integrations belong to the account).
-- Replace: 111122223333 (your AWS account), audit-events (your bucket).

CREATE DATABASE IF NOT EXISTS teleport;
CREATE SCHEMA IF NOT EXISTS teleport.audit;
USE SCHEMA teleport.audit;

-- Snowflake reads the bucket as a role of yours, so no key is ever handed over. The allowed
-- location ends with the prefix that forebay writes: nothing else in the bucket can be staged.
CREATE STORAGE INTEGRATION IF NOT EXISTS forebay_audit
  TYPE = EXTERNAL_STAGE
  STORAGE_PROVIDER = 'S3'
  ENABLED = TRUE
  STORAGE_AWS_ROLE_ARN = 'arn:aws:iam::111122223333:role/snowflake-reads-audit-events'
  STORAGE_ALLOWED_LOCATIONS = ('s3://audit-events/logs/');

-- Two of its lines go into the role's trust policy (../aws/snowflake-role-trust.json):
-- STORAGE_AWS_IAM_USER_ARN is ${snowflake_user_arn}, STORAGE_AWS_EXTERNAL_ID ${external_id}.
DESC INTEGRATION forebay_audit;

-- One JSON object a line. STRIP_OUTER_ARRAY has nothing to strip from such objects: a pipe that
-- sets it, because what was there before wrote arrays, can stay as it is.
CREATE FILE FORMAT IF NOT EXISTS json_lines
  TYPE = JSON
  -- By the name's end: .gz, .zst, .json.
  COMPRESSION = AUTO;

CREATE STAGE IF NOT EXISTS audit_logs
  URL = 's3://audit-events/logs/'
  STORAGE_INTEGRATION = forebay_audit
  FILE_FORMAT = (FORMAT_NAME = 'json_lines');

-- Lists objects: the role, its trust and the location are right.
LIST @audit_logs;
