-- Questions to the audit log. Each is one statement under `-- detection: <name>`, for a worksheet,
-- a dashboard's tile or an ALERT; what is worth a look comes back as rows, and no rows is good.

USE SCHEMA teleport.audit;

-- How far back (SYSDATE is UTC, as the events' times are), and what to look at. Names of roles
-- and thresholds are in the queries: yours differ.
SET since = DATEADD(day, -7, SYSDATE());
SET watched_host = 'vault-1';
SET watched_database = 'payroll';

-- detection: failed_logins
-- Five wrong logins of one user within ten minutes, whatever clock time they straddle: the window
-- slides. One row a user, with the worst ten minutes.
WITH failures AS (
  SELECT
    actor,
    event_time,
    COUNT(*) OVER (
      PARTITION BY actor ORDER BY event_time
      RANGE BETWEEN INTERVAL '10 minutes' PRECEDING AND CURRENT ROW
    ) AS in_ten_minutes
  FROM events
  WHERE event_type = 'user.login' AND NOT success AND event_time >= $since
)
SELECT actor, MAX(in_ten_minutes) AS failures, MAX(event_time) AS last_failure
FROM failures
GROUP BY actor
HAVING MAX(in_ten_minutes) >= 5
ORDER BY failures DESC;

-- detection: password_spray
-- One address, many users: each fails too seldom to be noticed by himself.
SELECT
  source_ip,
  DATE_TRUNC('hour', event_time) AS in_hour,
  COUNT(DISTINCT actor) AS users,
  MIN(event_time) AS first_failure,
  MAX(event_time) AS last_failure
FROM events
WHERE event_type = 'user.login' AND NOT success AND event_time >= $since
GROUP BY source_ip, DATE_TRUNC('hour', event_time)
HAVING COUNT(DISTINCT actor) >= 4
ORDER BY users DESC;

-- detection: login_after_failures
-- A login that worked, after five that did not within a quarter of an hour: guessed?
SELECT ok.actor, ok.event_time, ok.source_ip, COUNT(*) AS failures_before
FROM events ok
JOIN events failed
  ON failed.actor = ok.actor
  AND failed.event_type = 'user.login'
  AND NOT failed.success
  AND failed.event_time BETWEEN DATEADD(minute, -15, ok.event_time) AND ok.event_time
WHERE ok.event_type = 'user.login' AND ok.success AND ok.event_time >= $since
GROUP BY ok.actor, ok.event_time, ok.source_ip
HAVING COUNT(*) >= 5;

-- detection: role_escalations
-- Somebody is given a role that rules the cluster or reads its secrets. By himself is worse.
SELECT e.event_time, e.actor, e.target, r.value::VARCHAR AS granted, e.actor = e.target AS by_himself
FROM events e, LATERAL FLATTEN(INPUT => e.roles) r
WHERE e.event_type IN ('user.create', 'user.update')
  AND r.value::VARCHAR IN ('admin', 'editor', 'auditor')
  AND e.event_time >= $since
ORDER BY e.event_time;

-- detection: self_approved_requests
-- An access request approved by who asked for it: by a review, or by changing its state.
SELECT asked.request_id, asked.actor, asked.roles, asked.event_time AS asked_at, approved.event_time AS approved_at
FROM events asked
JOIN events approved
  ON approved.request_id = asked.request_id
  AND approved.actor = asked.actor
  AND approved.request_state = 'APPROVED'
  AND approved.event_type IN ('access_request.review', 'access_request.update')
WHERE asked.event_type = 'access_request.create' AND asked.event_time >= $since
ORDER BY approved_at;

-- detection: database_queries_by_user
-- Who asked the watched database, how often, and how often in vain.
SELECT
  actor,
  db_name,
  COUNT(*) AS queries,
  COUNT_IF(event_type = 'db.session.query.failed') AS failed,
  COUNT(DISTINCT session_id) AS sessions,
  MIN(event_time) AS first_query,
  MAX(event_time) AS last_query
FROM events
WHERE event_type IN ('db.session.query', 'db.session.query.failed')
  AND db_name = $watched_database
  AND event_time >= $since
GROUP BY actor, db_name
ORDER BY queries DESC, actor;

-- detection: destructive_statements
-- Statements that begin by taking something away or by giving rights, also those that failed. It
-- reads the first word only: a comment that speaks of DROP TABLE is no finding.
SELECT event_time, actor, db_service, db_name, event_type, db_query
FROM events
WHERE event_type IN ('db.session.query', 'db.session.query.failed')
  AND REGEXP_LIKE(db_query, '\\s*(drop|truncate|alter|grant|revoke)\\s.*', 'is')
  AND event_time >= $since
ORDER BY event_time;

-- detection: sessions_by_host
-- Who was on the watched host, as whom, from where, and for how long; NULL is: still there.
SELECT
  s.host,
  s.actor,
  s.os_login,
  s.source_ip,
  s.event_time AS started,
  DATEDIFF(minute, s.event_time, e.event_time) AS minutes,
  s.session_id
FROM events s
LEFT JOIN events e ON e.session_id = s.session_id AND e.event_type = 'session.end'
WHERE s.event_type = 'session.start'
  AND s.host = $watched_host
  AND s.event_time >= $since
ORDER BY s.event_time;

-- detection: root_in_production
SELECT event_time, actor, host, source_ip, session_id
FROM events
WHERE event_type = 'session.start'
  AND os_login = 'root'
  AND host_env = 'prod'
  AND event_time >= $since
ORDER BY event_time;

-- detection: sessions_without_recording
SELECT event_time, actor, os_login, host, session_id
FROM events
WHERE event_type = 'session.start' AND recording = 'off' AND event_time >= $since
ORDER BY event_time;

-- detection: recordings_watched_by_others
-- A recording shows what was typed. Who watches another's?
SELECT w.event_time, w.actor AS watched_by, s.actor AS session_of, w.session_id
FROM events w
JOIN events s ON s.session_id = w.session_id AND s.event_type = 'session.start'
WHERE w.event_type = 'session.recording.access'
  AND w.actor <> s.actor
  AND w.event_time >= $since
ORDER BY w.event_time;

-- detection: second_factors_removed
SELECT event_time, actor, event:mfa_device_name::VARCHAR AS device, event:mfa_device_type::VARCHAR AS kind
FROM events
WHERE event_type = 'mfa.delete' AND event_time >= $since
ORDER BY event_time;

-- detection: kubernetes_secrets_read
SELECT event_time, actor, kube_cluster, kube_namespace, kube_name
FROM events
WHERE event_type = 'kube.request'
  AND kube_kind = 'secrets'
  AND kube_verb = 'GET'
  AND response_code BETWEEN 200 AND 299
  AND event_time >= $since
ORDER BY event_time;

-- detection: ways_in_changed
-- Who may come in at all: connectors made, changed or gone, and locks lifted.
SELECT event_time, actor, event_type, target
FROM events
WHERE (event_type = 'lock.deleted' OR REGEXP_LIKE(event_type, '(github|oidc|saml)\\.(created|updated|deleted)'))
  AND event_time >= $since
ORDER BY event_time;

-- detection: silence
-- More than four hours without any event: of a cluster at work that is an outage, or somebody who
-- does not want to be seen. Ask the event handler's log and the bucket.
WITH steps AS (
  SELECT LAG(event_time) OVER (ORDER BY event_time) AS silent_from, event_time AS silent_until
  FROM events
  WHERE event_time >= $since
)
SELECT silent_from, silent_until
FROM steps
WHERE silent_until > DATEADD(hour, 4, silent_from)
ORDER BY silent_from;

-- detection: delivered_more_than_once
-- Not an attack: events that the event handler sent again. Many of them tell of its restarts.
SELECT event:uid::VARCHAR AS uid, COUNT(*) AS times, MIN(file_name) AS first_object, MAX(file_name) AS last_object
FROM raw_events
GROUP BY event:uid::VARCHAR
HAVING COUNT(*) > 1
ORDER BY times DESC, uid;
