-- Typed columns over the events, under which the whole event stays at hand.

USE SCHEMA teleport.audit;

-- Teleport's event handler delivers at least once: after a restart it sends again what it is not
-- sure of, under the same uid. Here each event is one row; raw_events has them as they came.
CREATE OR REPLACE VIEW events AS
SELECT
  -- Always UTC, with as many digits of the second as there are. TRY: a time that is none becomes
  -- NULL, and does not take the query down with it.
  TRY_CAST(event:time::VARCHAR AS TIMESTAMP_NTZ) AS event_time,
  event:event::VARCHAR AS event_type,
  event:code::VARCHAR AS code,
  event:cluster_name::VARCHAR AS cluster,
  -- Who did it: the field depends on the kind of event.
  COALESCE(
    event:user::VARCHAR,
    event:identity.user::VARCHAR,
    event:reviewer::VARCHAR,
    event:updated_by::VARCHAR,
    event:bot_name::VARCHAR
  ) AS actor,
  event:success::BOOLEAN AS success,
  event:error::VARCHAR AS error,
  -- Without the port, and without the brackets that IPv6 has then. Keys with dots are quoted.
  REGEXP_REPLACE(event:"addr.remote"::VARCHAR, '^\\[|\\]?:[0-9]+$', '') AS source_ip,
  event:method::VARCHAR AS login_method,
  event:sid::VARCHAR AS session_id,
  event:login::VARCHAR AS os_login,
  event:server_hostname::VARCHAR AS host,
  event:server_labels.env::VARCHAR AS host_env,
  event:session_recording::VARCHAR AS recording,
  -- What it was done to: a user, a role, a connector, a lock.
  event:name::VARCHAR AS target,
  event:roles AS roles,
  event:id::VARCHAR AS request_id,
  COALESCE(event:proposed_state::VARCHAR, event:state::VARCHAR) AS request_state,
  event:db_service::VARCHAR AS db_service,
  event:db_name::VARCHAR AS db_name,
  event:db_user::VARCHAR AS db_user,
  event:db_query::VARCHAR AS db_query,
  event:kubernetes_cluster::VARCHAR AS kube_cluster,
  event:verb::VARCHAR AS kube_verb,
  event:resource_kind::VARCHAR AS kube_kind,
  event:resource_namespace::VARCHAR AS kube_namespace,
  event:resource_name::VARCHAR AS kube_name,
  event:response_code::NUMBER AS response_code,
  event:uid::VARCHAR AS uid,
  -- For what has no column of its own yet.
  event,
  file_name,
  file_row
FROM raw_events
QUALIFY ROW_NUMBER() OVER (PARTITION BY event:uid::VARCHAR ORDER BY loaded_at, file_name, file_row) = 1;

-- Recordings: terminal output (event_type 'print') has neither uid nor sid, so nothing here is
-- taken for a repetition. The session's id is in the tag, which <inject> can add to the record.
CREATE OR REPLACE VIEW session_events AS
SELECT
  TRY_CAST(event:time::VARCHAR AS TIMESTAMP_NTZ) AS event_time,
  event:event::VARCHAR AS event_type,
  event:user::VARCHAR AS actor,
  event:sid::VARCHAR AS session_id,
  event:ei::NUMBER AS event_index,
  event:bytes::NUMBER AS output_bytes,
  -- TRY_BASE64_DECODE_STRING makes it readable, where a piece of output ends between characters.
  event:data::VARCHAR AS output_base64,
  event,
  file_name,
  file_row
FROM raw_session_events;
