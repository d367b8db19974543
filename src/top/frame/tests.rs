use super::testing::status;
use super::*;
use crate::top::client::Client;
use crate::top::lines::Ink;

/// The text of a frame, and the widest of its lines.
fn drawn(status: &Status, link: &Link, width: usize, rows: Option<usize>) -> (String, usize) {
    let client = Client::candidates(None).unwrap().remove(0);
    let mut rates = Rates::since(status);
    let mut later = status.clone();
    later.time += 2.0;
    later.uptime += 2;
    later.sources[0].events += 50;
    rates.add(&later);
    let frame = Frame {
        address: client.address(),
        status: &later,
        rates: &rates,
        link,
        interval: Duration::from_secs(2),
    };
    let lines = frame.lines(width, rows);
    let painted = lines.iter().map(|line| line.painted(width, Ink::Plain));
    let painted: Vec<_> = painted.collect();
    let widest = painted.iter().map(|line| line.chars().count()).max();
    (painted.join("\n"), widest.unwrap_or_default())
}

#[test]
fn it_says_where_events_are_and_what_is_wrong() {
    let (page, _) = drawn(&status(), &Link::Up, 80, None);
    for said in [
        "● 1 to look at",
        "▲ deliveries of archive fail",
        "25.0 events/s",
        "1,050 since the start",
        "the oldest 15 min",
        "14 objects",
        "http:8888 refused: 3 unmatched, 4 handshakes",
        "in 6 days",
        "2 requests waiting",
        "3 chunks",
        "retry in 13 s",
        "sending",
        "session.0f1e.log",
        "PUT is answered with 404 NoSuchBucket",
        "tried again after 30 s",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
}

#[test]
fn it_fits_into_any_terminal() {
    for (width, rows) in [(80, 24), (60, 10), (200, 60), (20, 3), (1, 1)] {
        let (page, widest) = drawn(&status(), &Link::Up, width, Some(rows));
        assert!(widest <= width, "{width}: {widest}\n{page}");
        assert_eq!(page.split('\n').count(), rows, "{page}");
    }
}

#[test]
fn nothing_important_is_cut_off_at_eighty_columns() {
    let (page, _) = drawn(&status(), &Link::Up, 80, None);
    let cut: Vec<_> = page.lines().filter(|line| line.contains('…')).collect();
    // A chunk's id and its key.
    assert!(
        cut.iter()
            .all(|line| line.contains("chunk 5f39") || line.contains("session.0f1e")),
        "{cut:#?}"
    );
}

#[test]
fn a_server_that_is_away_is_told_as_such_with_what_it_said_last() {
    let away = Link::Away("nobody answers at 127.0.0.1:24220: refused".to_owned());
    let (page, _) = drawn(&status(), &away, 80, Some(40));
    assert!(page.contains("○ away"), "{page}");
    assert!(page.contains("trying again every 2 s"), "{page}");
    assert!(page.contains("http:8888"), "{page}");
}

#[test]
fn a_strangers_tag_cannot_paint_the_terminal() {
    let mut status = status();
    status.outputs[0].chunks[0].tag = Some("\x1b[31mred".to_owned());
    let (page, _) = drawn(&status, &Link::Up, 200, None);
    assert!(!page.contains('\x1b'), "{page}");
    assert!(page.contains("\\u{1b}[31mred"), "{page}");
}
