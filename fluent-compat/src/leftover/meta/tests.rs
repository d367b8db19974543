use super::*;

const STAGED: &[u8] = include_bytes!(
    "../../../vectors/leftover/staged/session/buffer.b660c0216d0227413d8e6fd20aa68e2e3.log.meta"
);
const QUEUED: &[u8] = include_bytes!(
    "../../../vectors/leftover/queued/test/buffer.q660c02335284ca587fa637a22b859b0c.log.meta"
);

/// A sound file whose map is changed by the test.
fn file_with(change: impl FnOnce(&mut Vec<(rmpv::Value, rmpv::Value)>)) -> Vec<u8> {
    let rmpv::Value::Map(mut members) = rmpv::decode::read_value(&mut &STAGED[6..]).unwrap() else {
        panic!("the recorded metadata are a map");
    };
    change(&mut members);
    let mut packed = Vec::new();
    rmpv::encode::write_value(&mut packed, &rmpv::Value::Map(members)).unwrap();
    let mut file = vec![0xc1, 0];
    file.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
    file.extend(packed);
    file
}

fn set(name: &str, value: impl Into<rmpv::Value>) -> Vec<u8> {
    file_with(|members| {
        let member = members
            .iter_mut()
            .find(|(key, _)| key.as_str() == Some(name));
        member.unwrap().1 = value.into();
    })
}

#[test]
fn a_staged_chunk_of_a_session_is_read_with_its_whole_key() {
    let meta = Meta::read(STAGED).unwrap();
    assert_eq!(meta.id.to_string(), "660c0216d0227413d8e6fd20aa68e2e3");
    assert_eq!((meta.records, meta.created), (2, 0x6b01_020b));
    let key = meta.metadata;
    assert_eq!(key.timekey, Some(Timekey::new(0x6b00_fb20)));
    assert_eq!(key.tag, Some(Tag::new("session.4a1b.log")));
    assert_eq!(key.variable("$.kind.name"), Some("ssh"));
}

#[test]
fn a_chunk_keyed_by_time_alone_has_neither_tag_nor_variables() {
    let meta = Meta::read(QUEUED).unwrap();
    assert_eq!(meta.records, 5);
    assert_eq!(meta.metadata.tag, None);
    assert_eq!(meta.metadata.variables, []);
}

#[test]
fn the_first_version_without_mark_and_length_is_read_as_well() {
    assert_eq!(Meta::read(&QUEUED[6..]), Meta::read(QUEUED));
}

#[test]
fn what_follows_the_length_is_an_older_longer_text_and_is_not_read() {
    let mut longer = QUEUED.to_vec();
    longer.extend_from_slice(b"rest of what was there before");
    assert_eq!(Meta::read(&longer), Meta::read(QUEUED));
}

#[test]
fn what_a_power_cut_leaves_is_refused() {
    assert_eq!(Meta::read(b""), Err(MetaError::Empty));
    assert_eq!(Meta::read(&[0; 80]), Err(MetaError::Empty));
    let expected = u32::try_from(QUEUED.len() - 6).unwrap();
    for end in 1..QUEUED.len() {
        let cut = Meta::read(&QUEUED[..end]);
        let short = MetaError::Short {
            found: end.saturating_sub(6),
            expected,
        };
        let error = if end < 6 { MetaError::NoMap } else { short };
        assert_eq!(cut, Err(error), "cut to {end} bytes");
    }
}

#[test]
fn another_version_is_named() {
    let mut newer = QUEUED.to_vec();
    newer[1] = 1;
    let error = Meta::read(&newer).unwrap_err();
    let message = "its metadata are of version 1, and 0 is known";
    assert_eq!(error.to_string(), message);
}

#[test]
fn a_member_that_is_wrong_is_named() {
    for (file, name) in [
        (set("id", "short"), "id"),
        (set("s", -1), "s"),
        (set("c", 0), "c"),
        (set("m", "noon"), "m"),
        (set("timekey", "noon"), "timekey"),
        (set("tag", 5), "tag"),
        (set("variables", 5), "variables"),
    ] {
        let error = Meta::read(&file).unwrap_err().to_string();
        assert!(error.contains(&format!("no sound {name}:")), "{error}");
    }
    let without_id = file_with(|members| members.retain(|(key, _)| key.as_str() != Some("id")));
    assert!(Meta::read(&without_id).is_err());
}

#[test]
fn values_of_chunk_keys_are_texts_as_placeholders_show_them() {
    let pair = |key: &str, value: rmpv::Value| (key.into(), value);
    let values = rmpv::Value::Map(vec![
        pair("number", 7.into()),
        pair("flag", true.into()),
        pair("part", 1.5.into()),
        pair("gone", rmpv::Value::Nil),
    ]);
    let meta = Meta::read(&set("variables", values)).unwrap();
    let shown: Vec<_> = meta.metadata.variables.into_iter().collect();
    let text = |key: &str, text: Option<&str>| (key.to_owned(), text.map(str::to_owned));
    let expected = [
        text("number", Some("7")),
        text("flag", Some("true")),
        text("part", Some("1.5")),
        text("gone", None),
    ];
    assert_eq!(shown, expected);
}
