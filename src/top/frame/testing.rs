//! A made-up answer of a server.

use serde_json::json;

use crate::top::status::Status;

/// A server with a source and two outputs, of which the second fails.
pub(in crate::top) fn status() -> Status {
    let chunk = |id: &str, state: &str, age: i64, retry_in: Option<f64>| {
        json!({
            "id": id, "state": state, "tag": "session.0f1e.log", "key": "timekey=2026-11-21T03:00:00Z",
            "records": 1200, "bytes": 700_000, "age": age, "retry_in": retry_in,
        })
    };
    let status = json!({
        "version": "0.1.0",
        "time": 1_795_230_000.5,
        "uptime": 7200,
        "state": "running",
        "shortcomings": [],
        "problems": [
            { "severity": "warning", "text": "deliveries of archive fail" },
        ],
        "sources": [{
            "id": "http:8888", "address": "0.0.0.0:8888", "acks": 1000, "events": 1000,
            "bytes": 600_000, "unanswered": 2, "oldest_unanswered": 0, "failed_handshakes": 4,
            "latency": { "p50": 0.25, "p99": 2.5 },
            "refused": { "unmatched": 3 },
            "certificates": { "server": 1_795_830_000, "client_ca": 1_900_000_000 },
        }],
        "outputs": [
            {
                "id": "audit", "type": "s3",
                "buffer": {
                    "bytes": 1_400_000, "limit": 8_589_934_592_u64, "staged": 1, "queued": 0,
                    "sync_p99": 1.0, "failing": false, "dropped": 0,
                },
                "delivering": 1, "oldest_age": 90,
                "chunks": [chunk("5f3a", "delivering", 90, None), chunk("5f3b", "staged", 3, None)],
                "latency": { "p50": 10.0, "p99": 25.0 },
                "objects": 14, "events": 900, "bytes": 500_000, "failures": 0, "given_up": 0,
                "last_success": 1_795_229_990, "last_failure": null,
            },
            {
                "id": "archive", "type": "s3",
                "buffer": {
                    "bytes": 700_000, "limit": 1_073_741_824, "staged": 0, "queued": 1,
                    "sync_p99": 1.0, "failing": false, "dropped": 0,
                },
                "delivering": 0, "oldest_age": 900,
                "chunks": [chunk("5f39", "retrying", 900, Some(12.4))],
                "latency": { "p50": null, "p99": null },
                "objects": 0, "events": 0, "bytes": 0, "failures": 7, "given_up": 0,
                "last_success": null,
                "last_failure": {
                    "time": 1_795_229_980, "chunk": "5f39aabbccddeeff00112233", "retry_in": 30.0,
                    "reason": "s3://archive/logs/2026112103_0.gz: PUT is answered with 404 NoSuchBucket: The specified bucket does not exist",
                },
            },
        ],
    });
    serde_json::from_value(status).unwrap()
}
