//! `forebay verify` on all that was put, as it is and after somebody was there.

use std::error::Error;
use std::fs;
use std::path::Path;

use forebay_testbed::keys::DigestKeys;
use forebay_testbed::rig::Rig;
use forebay_testbed::store::{ACCESS_KEY, SECRET_KEY, StoredObject};
use tokio::process::Command;

use super::{BUCKET, FOREBAY, TestResult};

/// An untouched store is clean; each change of it is named, and is undone again.
pub(super) async fn holds(rig: &Rig, keys: &DigestKeys) -> TestResult {
    is_clean(rig, keys).await?;
    let all = rig.store.objects()?;
    let (digests, objects): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|object| object.key.ends_with(".digest"));
    let object = objects.get(objects.len() / 2).ok_or("no object")?;

    let bytes = object.bytes()?;
    let mut altered = bytes.clone();
    *altered.last_mut().ok_or("an empty object")? ^= 1;
    fs::write(&object.path, altered)?;
    finds(rig, keys, &format!("altered object: {}", object.key)).await?;
    fs::remove_file(&object.path)?;
    finds(rig, keys, &format!("missing object: {}", object.key)).await?;
    fs::write(&object.path, bytes)?;
    is_clean(rig, keys).await?;

    let added = object.key.replace("_0.", "_99.");
    add(rig, object, &added)?;
    finds(rig, keys, &format!("unlisted object: {added}")).await?;
    fs::remove_file(rig.store.directory().join(BUCKET).join(&added))?;

    let digest = quiet_digest(&digests)?;
    let bytes = digest.bytes()?;
    fs::remove_file(&digest.path)?;
    finds(rig, keys, &format!("missing digest: {}", digest.key)).await?;
    fs::write(&digest.path, bytes)?;
    is_clean(rig, keys).await
}

/// The one of a start, which lists nothing and is followed by another.
fn quiet_digest<'a>(digests: &[&'a StoredObject]) -> Result<&'a StoredObject, Box<dyn Error>> {
    let mut quiet = digests.iter().filter(|digest| {
        let text = digest.text().unwrap_or_default();
        text.lines().count() == 2 && text.contains("\"occasion\":\"start\"")
    });
    Ok(quiet.next().ok_or("no digest of a start")?)
}

/// As somebody would who may write to the bucket.
fn add(rig: &Rig, like: &StoredObject, key: &str) -> TestResult {
    let root = rig.store.directory();
    for place in [root.join(BUCKET), root.join(".store/meta").join(BUCKET)] {
        fs::copy(place.join(&like.key), place.join(key))?;
    }
    Ok(())
}

async fn is_clean(rig: &Rig, keys: &DigestKeys) -> TestResult {
    let (code, text) = verify(rig, keys).await?;
    assert_eq!(code, Some(0), "{text}");
    let copy = rig.store.directory().join(BUCKET);
    let (code, text) = run(keys, &[&copy.display().to_string()]).await?;
    assert_eq!(code, Some(0), "{text}");
    Ok(())
}

/// This and nothing else.
async fn finds(rig: &Rig, keys: &DigestKeys, expected: &str) -> TestResult {
    let (code, text) = verify(rig, keys).await?;
    assert_eq!(code, Some(1), "{text}");
    let findings: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(findings.len(), 1, "{text}");
    assert!(
        findings.iter().all(|line| line.starts_with(expected)),
        "{text}"
    );
    Ok(())
}

async fn verify(rig: &Rig, keys: &DigestKeys) -> Result<(Option<i32>, String), Box<dyn Error>> {
    let place = format!("s3://{BUCKET}/logs/");
    let endpoint = rig.store.endpoint();
    run(keys, &[&place, "--endpoint-url", &endpoint, "--path-style"]).await
}

async fn run(
    keys: &DigestKeys,
    arguments: &[&str],
) -> Result<(Option<i32>, String), Box<dyn Error>> {
    let output = Command::new(Path::new(FOREBAY))
        .args(["verify", "--public-key"])
        .arg(&keys.public)
        .args(arguments)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .output()
        .await?;
    let text = String::from_utf8([output.stdout, output.stderr].concat())?;
    Ok((output.status.code(), text))
}
