//! Chunks are cut by the events' time and go when their slot has ended.

use std::error::Error;
use std::time::{Duration, SystemTime};

use forebay_testbed::conf::Match;
use forebay_testbed::rig::{Rig, deliver, present, records};
use forebay_testbed::store::StoredObject;
use forebay_testbed::tally::Tally;

const FOREBAY: &str = env!("CARGO_BIN_EXE_forebay");
const PATIENCE: Duration = Duration::from_secs(20);

type TestResult = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn events_of_two_slots_in_one_request_become_two_objects() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig
        .s3("**", rig.buffer(60))
        .line("time_slice_format %Y%m%d%H%M");
    let objects = objects_of(
        &rig,
        output,
        &[
            "2024-02-29T12:34:59.9Z",
            "2024-02-29T12:35:00Z",
            "2024-02-29T12:34:00Z",
        ],
    )
    .await?;
    let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["logs/202402291234_0.gz", "logs/202402291235_0.gz"]);
    let first = objects.first().ok_or("no object")?.text()?;
    assert_eq!(first.lines().count(), 2, "{first}");
    Ok(())
}

#[tokio::test]
async fn the_slice_is_named_in_the_zone_of_the_buffer() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig
        .buffer(3600)
        .line("timekey_use_utc false")
        .line("timekey_zone Asia/Tokyo");
    let output = rig.s3("**", buffer).line("time_slice_format %Y%m%d%H");
    let objects = objects_of(&rig, output, &["2024-02-29T16:00:00Z"]).await?;
    let keys: Vec<_> = objects.iter().map(|object| object.key.as_str()).collect();
    assert_eq!(keys, ["logs/2024030101_0.gz"]);
    Ok(())
}

#[tokio::test]
async fn further_chunks_of_a_slot_take_the_next_index() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig
        .s3("**", rig.buffer(3600))
        .line("time_slice_format %Y%m%d%H");
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut client = rig.client(&server)?;
    for n in 1..=3 {
        let body = format!("{{\"uid\":\"{n}\",\"ei\":{n},\"time\":\"2024-02-29T12:34:56Z\"}}");
        let reply = client.post("/test.log", body, &[]).await?;
        assert_eq!(reply.status, 200);
        rig.store
            .wait_for_objects(PATIENCE, |objects| objects.len() == n)
            .await?;
    }
    let keys: Vec<_> = rig
        .store
        .objects()?
        .into_iter()
        .map(|object| object.key)
        .collect();
    let expected = [0, 1, 2].map(|index| format!("logs/2024022912_{index}.gz"));
    assert_eq!(keys, expected);
    Ok(())
}

#[tokio::test]
async fn a_chunk_of_the_present_goes_when_its_slot_has_ended() -> TestResult {
    goes_after_its_slot(Wait {
        timekey: 2,
        wait: 0,
    })
    .await
}

#[tokio::test]
async fn a_chunk_waits_for_latecomers_as_long_as_timekey_wait_says() -> TestResult {
    goes_after_its_slot(Wait {
        timekey: 1,
        wait: 1,
    })
    .await
}

/// `timekey` and `timekey_wait`, in seconds.
struct Wait {
    timekey: u32,
    wait: u32,
}

async fn goes_after_its_slot(Wait { timekey, wait }: Wait) -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let buffer = rig.buffer(timekey).line(format!("timekey_wait {wait}s"));
    let output = rig
        .s3("**", buffer)
        .line("time_slice_format %s")
        .line("store_as text");
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut tally = Tally::default();
    deliver(&mut rig.client(&server)?, &present().audit(10), &mut tally).await?;
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    for object in rig.store.objects()? {
        let slot = slot_of(&object)?;
        let due = SystemTime::UNIX_EPOCH + Duration::from_secs(slot + u64::from(timekey + wait));
        let stored = std::fs::metadata(&object.path)?.modified()?;
        let late = stored.duration_since(due);
        let late = late.map_err(|early| format!("{} came {early:?} early", object.key))?;
        assert!(
            late < Duration::from_secs(5),
            "{} came {late:?} late",
            object.key
        );
    }
    Ok(())
}

/// The slot's start in unix seconds, which is the key's time slice.
fn slot_of(object: &StoredObject) -> Result<u64, Box<dyn Error>> {
    let name = object.key.strip_prefix("logs/").ok_or("another path")?;
    let (slot, _) = name.split_once('_').ok_or("no index")?;
    Ok(slot.parse()?)
}

#[tokio::test]
async fn each_tag_has_chunks_of_its_own_where_it_is_a_chunk_key() -> TestResult {
    let rig = Rig::new(FOREBAY).await?;
    let output = rig
        .s3("**", rig.buffer(1).by_tag())
        .line("path logs/${tag}/");
    let server = rig.start(&rig.conf_with(output)).await?;
    let mut maker = forebay_testbed::rig::past();
    let recordings = [maker.recording(5), maker.recording(5)];
    let mut client = rig.client(&server)?;
    let mut tally = Tally::default();
    for recording in &recordings {
        deliver(&mut client, &recording.events, &mut tally).await?;
    }
    let report = rig.finish(server, &tally).await?;
    assert!(report.is_exact(), "{report}");
    for recording in &recordings {
        let prefix = format!("logs/session.{}.log/", recording.id);
        let objects = rig.store.objects()?;
        let of_this: Vec<_> = objects
            .into_iter()
            .filter(|object| object.key.starts_with(&prefix))
            .collect();
        assert_eq!(records(&of_this), 5, "{prefix}");
    }
    Ok(())
}

/// Posts events of these times in one request, and waits for all of them to be stored.
async fn objects_of(
    rig: &Rig,
    output: Match,
    times: &[&str],
) -> Result<Vec<StoredObject>, Box<dyn Error>> {
    let server = rig.start(&rig.conf_with(output)).await?;
    let events: Vec<_> = times
        .iter()
        .enumerate()
        .map(|(n, time)| format!("{{\"uid\":\"{n}\",\"ei\":{n},\"time\":\"{time}\"}}"))
        .collect();
    let body = format!("[{}]", events.join(","));
    let reply = rig.client(&server)?.post("/test.log", body, &[]).await?;
    if reply.status != 200 {
        return Err(format!("{}: {}", reply.status, reply.text()).into());
    }
    rig.store
        .wait_for_objects(PATIENCE, |objects| records(objects) == times.len())
        .await?;
    server.terminate().await?;
    Ok(rig.store.objects()?)
}
