//! Events about who may do what: logins, certificates, requests, roles, resources.

use serde_json::{Number, Value, json};

use super::{EventMaker, Kind, kind};

pub(super) const KINDS: &[Kind] = &[
    kind("user.login", "T1000I", login),
    kind("user.login", "T1000W", failed_login),
    kind("cert.create", "TC000I", certificate),
    kind("access_request.create", "T5000I", request),
    kind("access_request.review", "T5002I", review),
    kind("role.created", "T9000I", role),
    kind("user.create", "T1002I", new_user),
    kind("user.update", "T1003I", new_user),
    kind("lock.created", "TLK00I", lock),
    kind("join_token.create", "TJT00I", token),
    kind("bot.join", "TJ001I", bot),
    kind("trusted_cluster.create", "T7000I", trusted_cluster),
    kind("mfa.add", "T1006I", mfa),
    kind("recovery_code.used", "T1009I", recovery),
    kind("instance.join", "TJ002I", instance),
];

fn login(maker: &mut EventMaker) -> Value {
    json!({
        "success": true,
        "user": maker.user(),
        "method": maker.pick(&["local", "saml", "oidc", "github"]),
        "addr.remote": maker.peer(),
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64) <harbour> & more",
        "attributes": {
            "groups": ["dockers", "crane-drivers"],
            "https://claims.example.com/name": [maker.user()],
        },
        "applied_login_rules": [],
    })
}

fn failed_login(maker: &mut EventMaker) -> Value {
    json!({
        "success": false,
        "user": maker.user(),
        "method": "local",
        "error": "invalid username, password or second factor",
        "message": "try again\nor call the harbour master",
        "addr.remote": maker.peer(),
    })
}

fn certificate(maker: &mut EventMaker) -> Value {
    let user = maker.user();
    json!({
        "cert_type": "user",
        "identity": {
            "user": user,
            "roles": ["access", "crane"],
            "logins": ["root", "ubuntu", "-teleport-internal-join"],
            "expires": maker.later(),
            "client_ip": "10.1.2.3",
            "traits": { "logins": ["root"], "kubernetes_groups": null },
            "route_to_cluster": "harbour.example.com",
            "prev_identity_expires": "0001-01-01T00:00:00Z",
        },
    })
}

fn request(maker: &mut EventMaker) -> Value {
    json!({
        "id": maker.uuid(),
        "user": maker.user(),
        "roles": ["dba"],
        "state": "PENDING",
        "reason": "",
        "max_duration": maker.later(),
        "resource_ids": [
            { "cluster": "harbour.example.com", "kind": "node", "name": maker.uuid() },
            { "cluster": "harbour.example.com", "kind": "db", "name": "ledger" },
        ],
    })
}

fn review(maker: &mut EventMaker) -> Value {
    json!({
        "id": maker.uuid(),
        "reviewer": maker.user(),
        "proposed_state": maker.pick(&["APPROVED", "DENIED"]),
        "state": "PENDING",
        "annotations": { "ticket": [format!("HARB-{}", maker.number(1..9999))] },
    })
}

fn role(maker: &mut EventMaker) -> Value {
    json!({
        "name": format!("crane-{}", maker.number(1..500)),
        "user": maker.user(),
        "expires": "0001-01-01T00:00:00Z",
    })
}

fn new_user(maker: &mut EventMaker) -> Value {
    json!({
        "name": maker.user(),
        "user": "system",
        "roles": ["access"],
        "connector": "local",
        "created_from": { "path": "/v1/webapi/users", "addr.local": "[::1]:3080" },
    })
}

fn lock(maker: &mut EventMaker) -> Value {
    json!({
        "name": maker.uuid(),
        "target": { "user": maker.user(), "role": "" },
        "expires": maker.later(),
    })
}

fn token(maker: &mut EventMaker) -> Value {
    json!({
        "name": "************token",
        "roles": ["Node", "Db"],
        "join_method": maker.pick(&["token", "iam", "kubernetes"]),
        "user": maker.user(),
        "expires": maker.later(),
    })
}

/// Numbers as a sender writes them that knows doubles only.
fn bot(maker: &mut EventMaker) -> Value {
    json!({
        "success": true,
        "bot_name": "deployer",
        "bot_instance_id": maker.uuid(),
        "method": "github",
        "attributes": {
            "run_id": digits("18446744073709552000"),
            "run_number": maker.number(1..9999),
            "weight": digits("0.000001"),
            "tiny": digits("1e-7"),
            "huge": digits("1e+21"),
            "balance": digits("-0"),
        },
    })
}

fn trusted_cluster(maker: &mut EventMaker) -> Value {
    json!({ "name": "lighthouse.example.com", "user": maker.user() })
}

fn mfa(maker: &mut EventMaker) -> Value {
    json!({
        "user": maker.user(),
        "mfa_device_name": "yubikey № 5",
        "mfa_device_type": "WebAuthn",
        "mfa_device_uuid": maker.uuid(),
    })
}

fn recovery(maker: &mut EventMaker) -> Value {
    json!({ "success": true, "user": maker.user() })
}

fn instance(maker: &mut EventMaker) -> Value {
    json!({
        "success": true,
        "host_id": maker.uuid(),
        "node_name": format!("crane-{}", maker.number(1..500)),
        "role": "Node",
        "labels": {
            "teleport.dev/creator": "terraform",
            "env": "prod",
            "deep": { "er": { "still": [[], {}, [null, true, ["x"]]] } },
        },
    })
}

fn digits(text: &str) -> Value {
    let number: Number = text
        .parse()
        .expect("invariant: the literals here are JSON numbers");
    Value::Number(number)
}
