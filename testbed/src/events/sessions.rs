//! Events about what was done: shells, files, databases, applications, clusters, desktops.

use serde_json::{Value, json};

use super::{EventMaker, Kind, kind};

/// A command line that a shell's history would regret, in bytes.
const BIG: usize = 40_000;

pub(super) const KINDS: &[Kind] = &[
    kind("session.start", "T2000I", start),
    kind("session.join", "T2001I", join),
    kind("session.leave", "T2003I", leave),
    kind("session.end", "T2004I", end),
    kind("exec", "T3002I", exec),
    kind("exec", "T3002E", failed_exec),
    kind("sftp", "TS001I", sftp),
    kind("scp", "T3004I", scp),
    kind("port", "T3003I", port_forward),
    kind("db.session.start", "TDB00I", db_start),
    kind("db.session.query", "TDB02I", db_query),
    kind("db.session.end", "TDB01I", db_end),
    kind("app.session.start", "T2007I", app_start),
    kind("app.session.chunk", "T2008I", app_chunk),
    kind("kube.request", "T3009I", kube),
    kind("windows.desktop.session.start", "TDP00I", desktop_start),
    kind("desktop.clipboard.receive", "TDP03I", clipboard),
    kind("session.command", "T4000I", command),
    kind("session.network", "T4002I", network),
];

fn start(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "login": "ubuntu",
        "server_id": maker.uuid(),
        "server_hostname": "crane-7",
        "server_labels": { "env": "prod", "teleport.internal/resource-id": maker.uuid() },
        "server_addr": "[::]:3022",
        "addr.remote": maker.peer(),
        "size": "80:25",
        "initial_command": [""],
        "session_recording": "node",
    })
}

fn join(maker: &mut EventMaker) -> Value {
    json!({ "sid": maker.uuid(), "user": maker.user(), "addr.remote": maker.peer() })
}

fn leave(maker: &mut EventMaker) -> Value {
    json!({ "sid": maker.uuid(), "user": maker.user(), "server_id": maker.uuid() })
}

fn end(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "participants": [maker.user(), "alice"],
        "interactive": true,
        "enhanced_recording": false,
        "session_start": "2026-11-20T23:59:59.999999999Z",
        "session_stop": maker.later(),
    })
}

fn exec(maker: &mut EventMaker) -> Value {
    json!({
        "user": maker.user(),
        "login": "root",
        "command": format!("tail -n {} /var/log/cranes", maker.number(1..500)),
        "exitCode": "0",
        "addr.local": "10.0.0.7:3022",
        "addr.remote": maker.peer(),
    })
}

fn failed_exec(maker: &mut EventMaker) -> Value {
    json!({
        "user": maker.user(),
        "command": "/bin/sh -c 'echo \"\u{7f}\u{2028}\u{1b}[31m\"; exit 1'",
        "exitCode": "1",
        "exitError": "Process exited with status 1",
        "kubernetes_labels": null,
    })
}

fn sftp(maker: &mut EventMaker) -> Value {
    json!({
        "user": maker.user(),
        "path": format!("/srv/ladung/frachtbrief-{}.pdf", maker.number(1..99_999)),
        "flags": maker.number(0..1024),
        "action": maker.number(1..16),
        "working_directory": "/home/ubuntu",
        "error": "",
    })
}

fn scp(maker: &mut EventMaker) -> Value {
    json!({ "user": maker.user(), "path": "C:\\ladung\\liste.txt", "action": "upload" })
}

fn port_forward(maker: &mut EventMaker) -> Value {
    json!({ "user": maker.user(), "addr": maker.peer(), "success": true })
}

fn db_start(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "db_service": "ledger",
        "db_protocol": maker.pick(&["postgres", "mysql", "mongodb"]),
        "db_uri": "ledger.internal:5432",
        "db_user": "app",
        "db_name": "freight",
        "postgres_pid": maker.number(1000..60_000),
        "success": true,
    })
}

fn db_query(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "db_name": "freight",
        "db_query": format!("SELECT '{}' AS \"ß\" FROM t WHERE id = $1;", maker.prose(60)),
        "db_query_parameters": [maker.number(1..9999).to_string(), ""],
    })
}

fn db_end(maker: &mut EventMaker) -> Value {
    json!({ "sid": maker.uuid(), "user": maker.user(), "db_name": "freight" })
}

fn app_start(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "app_name": "tide-table",
        "app_uri": "http://localhost:3000/?a=1&b=<2>",
        "app_labels": {},
        "public_addr": "tides.harbour.example.com",
        "addr.remote": maker.peer(),
    })
}

fn app_chunk(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "session_chunk_id": maker.uuid(),
        "user": maker.user(),
        "app_name": "tide-table",
    })
}

fn kube(maker: &mut EventMaker) -> Value {
    json!({
        "user": maker.user(),
        "kubernetes_cluster": "quay",
        "kubernetes_groups": ["system:masters", "system:authenticated"],
        "request_path": "/api/v1/namespaces/berth/pods",
        "verb": maker.pick(&["GET", "POST", "DELETE"]),
        "resource_kind": "pods",
        "response_code": maker.pick(&[200_u64, 201, 403, 404]),
    })
}

fn desktop_start(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "user": maker.user(),
        "windows_domain": "HARBOUR",
        "windows_user": "HARBOUR\\krane",
        "desktop_addr": "10.9.8.7:3389",
        "desktop_labels": { "teleport.internal/ou": "OU=Kran,DC=harbour" },
        "success": true,
    })
}

fn clipboard(maker: &mut EventMaker) -> Value {
    json!({ "sid": maker.uuid(), "user": maker.user(), "length": maker.number(1..100_000) })
}

/// Once in a while a command line is as long as a novel's chapter.
fn command(maker: &mut EventMaker) -> Value {
    let length = if maker.number(0..4) == 0 { BIG } else { 200 };
    json!({
        "sid": maker.uuid(),
        "pid": maker.number(2..4_194_304),
        "path": "/usr/bin/awk",
        "argv": [maker.prose(length)],
        "return_code": 0,
        "cgroup_id": maker.number(4_294_967_296..8_589_934_592),
    })
}

fn network(maker: &mut EventMaker) -> Value {
    json!({
        "sid": maker.uuid(),
        "src_addr": "2001:db8::7",
        "dst_addr": "2001:db8::1",
        "dst_port": maker.pick(&[22_u64, 443, 8443]),
        "version": 6,
        "operation": maker.number(0..2),
    })
}
