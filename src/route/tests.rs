use std::io;
use std::sync::Mutex;
use std::thread::ThreadId;

use fluent_compat::chunk::ChunkKeys;
use fluent_compat::filter::{Base, Condition, Grep, Name, RecordTransformer, Surroundings};
use fluent_compat::filter::{Template, Typing};
use fluent_compat::format::{Formatter, Newline};
use fluent_compat::parse::{Pattern, PatternOptions};
use fluent_compat::record::FieldPath;
use fluent_compat::tag::MatchPatterns;
use fluent_compat::time::{EventTime, Zone};
use serde_json::json;

use super::*;

/// Keeps what is written, or refuses it.
#[derive(Default)]
struct Paper {
    lines: Mutex<String>,
    is_full: bool,
}

impl LineWriter for Paper {
    fn write_lines(&self, lines: &[u8]) -> io::Result<()> {
        if self.is_full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let lines = str::from_utf8(lines).unwrap();
        self.lines.lock().unwrap().push_str(lines);
        Ok(())
    }
}

impl Paper {
    fn full() -> Arc<Self> {
        Arc::new(Self {
            is_full: true,
            ..Self::default()
        })
    }

    fn read(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

fn on(paper: &Arc<Paper>) -> Target {
    let config = Config {
        formatter: Formatter::Json(Newline::Lf),
        inject: None,
        chunk_keys: ChunkKeys::default(),
        slots: None,
    };
    Target::Output(Box::new(Output::new(
        config,
        Destination::Direct(paper.clone()),
    )))
}

fn matching(patterns: &str, target: Target) -> Step {
    Step::Match(MatchPatterns::parse(patterns).unwrap(), target)
}

fn filtering(patterns: &str, filter: Filter) -> Step {
    Step::Filter(MatchPatterns::parse(patterns).unwrap(), Box::new(filter))
}

fn printer(paper: &Arc<Paper>) -> Filter {
    let formatter = Formatter::Json(Newline::Lf);
    Filter::Stdout(Box::new(Printer::new(formatter, None, paper.clone())))
}

/// Drops what has this number.
fn without(number: &str) -> Filter {
    Filter::Grep(Grep {
        none: vec![Condition {
            field: FieldPath::parse("n").unwrap(),
            pattern: Pattern::new(&format!("^{number}$"), PatternOptions::default()).unwrap(),
        }],
        ..Grep::default()
    })
}

fn marking(mark: &str) -> Filter {
    let field = (
        Name::parse(mark).unwrap(),
        Template::parse("${tag}", Typing::Kept).unwrap(),
    );
    let surroundings = Surroundings::new("box", Zone::Utc);
    let transformer = RecordTransformer::new(
        Base::Record,
        vec![field],
        Some("time"),
        vec![],
        surroundings,
    );
    Filter::RecordTransformer(Box::new(transformer))
}

fn root(steps: Vec<Step>) -> Label {
    Label { name: None, steps }
}

fn label(name: &str, steps: Vec<Step>) -> Label {
    let name = Some(name.to_owned());
    Label { name, steps }
}

fn store(on_error: OnError, turn: Turn, target: Target) -> Store {
    let policy = StorePolicy { on_error, turn };
    Store::new("store".to_owned(), policy, target)
}

fn numbered(numbers: &[u32]) -> Events {
    let mut events = Events::new();
    for number in numbers {
        let record = json!({ "n": number });
        events.push_map(EventTime::new(0, 0), record.as_object().unwrap());
    }
    events
}

async fn emit(router: &Router, tag: &str, numbers: &[u32]) -> Result<(), EmitError> {
    router.emit(Tag::new(tag), numbered(numbers)).await
}

#[tokio::test]
async fn filters_work_on_what_is_matched_after_them() {
    let (first, second, printed) = <(Arc<Paper>, Arc<Paper>, Arc<Paper>)>::default();
    let router = Router::new(vec![root(vec![
        matching("before", on(&first)),
        filtering("a.**", marking("x")),
        filtering("**", without("1")),
        filtering("b.**", marking("y")),
        filtering("a.**", printer(&printed)),
        matching("a.*", on(&first)),
        filtering("**", marking("z")),
        matching("**", on(&second)),
    ])]);
    emit(&router, "before", &[1]).await.unwrap();
    emit(&router, "a.b", &[1, 2]).await.unwrap();
    emit(&router, "c", &[1, 3]).await.unwrap();
    assert_eq!(first.read(), "{\"n\":1}\n{\"n\":2,\"x\":\"a.b\"}\n");
    assert_eq!(second.read(), "{\"n\":3,\"z\":\"c\"}\n");
    assert_eq!(printed.read(), "{\"n\":2,\"x\":\"a.b\"}\n");
}

#[tokio::test]
async fn events_that_are_all_dropped_are_accepted() {
    let paper = Arc::new(Paper::default());
    let router = Router::new(vec![root(vec![
        filtering("**", without("1")),
        matching("a", on(&paper)),
        matching("b", Target::Null),
    ])]);
    assert_eq!(emit(&router, "a", &[1, 1]).await, Ok(()));
    assert_eq!(emit(&router, "b", &[2]).await, Ok(()));
    assert_eq!(paper.read(), "");
}

#[tokio::test]
async fn a_tag_that_nobody_takes_is_refused_before_it_is_printed() {
    let printed = Arc::new(Paper::default());
    let router = Router::new(vec![
        root(vec![
            filtering("**", printer(&printed)),
            matching("a", Target::Relabel(LabelId::at(1))),
            matching("b.*", Target::Null),
        ]),
        label("@A", vec![]),
    ]);
    let error = emit(&router, "c", &[1]).await.unwrap_err();
    let message = "no <match> takes the tag \"c\"; there are: a, b.*";
    assert_eq!(error.to_string(), message);
    assert_eq!(printed.read(), "");
    let error = emit(&router, "a", &[1]).await.unwrap_err();
    let message = "no <match> in <label @A> takes the tag \"a\"; there is none";
    assert_eq!(error.to_string(), message);
}

#[tokio::test]
async fn sources_and_relabels_enter_labels() {
    let paper = Arc::new(Paper::default());
    let router = Router::new(vec![
        root(vec![
            filtering("**", marking("x")),
            matching("**", Target::Relabel(LabelId::at(1))),
        ]),
        label(
            "@A",
            vec![filtering("**", marking("y")), matching("**", on(&paper))],
        ),
    ]);
    emit(&router, "t", &[1]).await.unwrap();
    let inside = router.entered_at(LabelId::at(1));
    emit(&inside, "t", &[2]).await.unwrap();
    assert_eq!(
        paper.read(),
        "{\"n\":1,\"x\":\"t\",\"y\":\"t\"}\n{\"n\":2,\"y\":\"t\"}\n"
    );
}

#[tokio::test]
async fn every_store_of_a_copy_gets_the_same_events() {
    let (first, second) = <(Arc<Paper>, Arc<Paper>)>::default();
    let plain = |target| store(OnError::Refuse, Turn::Always, target);
    let stores = vec![
        plain(Target::Relabel(LabelId::at(1))),
        plain(on(&second)),
        plain(Target::Copy(vec![plain(on(&second))])),
    ];
    let router = Router::new(vec![
        root(vec![matching("**", Target::Copy(stores))]),
        label(
            "@A",
            vec![filtering("**", marking("x")), matching("**", on(&first))],
        ),
    ]);
    emit(&router, "t", &[1]).await.unwrap();
    assert_eq!(first.read(), "{\"n\":1,\"x\":\"t\"}\n");
    assert_eq!(second.read(), "{\"n\":1}\n{\"n\":1}\n");
}

#[tokio::test]
async fn a_store_that_fails_refuses_the_request_and_those_after_it_get_nothing() {
    let after = Arc::new(Paper::default());
    let copy = |on_error| {
        let stores = vec![
            store(on_error, Turn::Always, on(&Paper::full())),
            store(OnError::Refuse, Turn::Always, on(&after)),
        ];
        Router::new(vec![root(vec![matching("**", Target::Copy(stores))])])
    };
    let refused = emit(&copy(OnError::Refuse), "t", &[1]).await;
    assert!(matches!(refused, Err(EmitError::Storage { .. })));
    assert_eq!(after.read(), "");
    assert_eq!(emit(&copy(OnError::Ignore), "t", &[2]).await, Ok(()));
    assert_eq!(after.read(), "{\"n\":2}\n");
}

#[tokio::test]
async fn what_one_store_can_never_take_is_in_no_other() {
    let first = Arc::new(Paper::default());
    let copy = |on_error| {
        let stores = vec![
            store(OnError::Refuse, Turn::Always, on(&first)),
            store(on_error, Turn::Always, Target::Relabel(LabelId::at(1))),
        ];
        let root = root(vec![matching("**", Target::Copy(stores))]);
        Router::new(vec![root, label("@A", vec![])])
    };
    let refused = emit(&copy(OnError::Refuse), "t", &[1]).await;
    assert!(matches!(refused, Err(EmitError::Unmatched { .. })));
    assert_eq!(first.read(), "");
    assert_eq!(emit(&copy(OnError::Ignore), "t", &[2]).await, Ok(()));
    assert_eq!(first.read(), "{\"n\":2}\n");
}

#[tokio::test]
async fn a_spare_store_gets_what_the_one_before_it_could_not_take() {
    let spare = Arc::new(Paper::default());
    let copy = |first: &Arc<Paper>| {
        let stores = vec![
            store(OnError::Ignore, Turn::Always, on(first)),
            store(OnError::Refuse, Turn::UnlessPrevious, on(&spare)),
        ];
        Router::new(vec![root(vec![matching("**", Target::Copy(stores))])])
    };
    let first = Arc::new(Paper::default());
    emit(&copy(&first), "t", &[1]).await.unwrap();
    assert_eq!(
        (first.read().as_str(), spare.read().as_str()),
        ("{\"n\":1}\n", "")
    );
    emit(&copy(&Paper::full()), "t", &[2]).await.unwrap();
    assert_eq!(spare.read(), "{\"n\":2}\n");
}

#[tokio::test]
async fn an_event_that_cannot_be_filtered_is_named() {
    let router = Router::new(vec![root(vec![
        filtering("**", marking("x")),
        matching("**", Target::Null),
    ])]);
    let mut events = numbered(&[1]);
    let record = json!({"time": "soon"});
    events.push_map(EventTime::new(0, 0), record.as_object().unwrap());
    let refused = router.emit(Tag::new("t"), events).await.unwrap_err();
    let message = refused.to_string();
    assert!(
        message.starts_with("event 1 cannot be filtered: renew_time_key \"time\": "),
        "{message}"
    );
}

#[tokio::test]
async fn what_cannot_be_printed_goes_on() {
    let paper = Arc::new(Paper::default());
    let router = Router::new(vec![root(vec![
        filtering("**", printer(&Paper::full())),
        matching("**", on(&paper)),
    ])]);
    emit(&router, "t", &[1]).await.unwrap();
    assert_eq!(paper.read(), "{\"n\":1}\n");
}

#[tokio::test]
async fn printouts_come_in_the_order_of_their_filters() {
    let printed = Arc::new(Paper::default());
    let router = Router::new(vec![
        root(vec![
            filtering("**", printer(&printed)),
            filtering("**", marking("x")),
            matching("**", Target::Relabel(LabelId::at(1))),
        ]),
        label(
            "@A",
            vec![
                filtering("**", printer(&printed)),
                matching("**", Target::Null),
            ],
        ),
    ]);
    emit(&router, "t", &[1]).await.unwrap();
    assert_eq!(printed.read(), "{\"n\":1}\n{\"n\":1,\"x\":\"t\"}\n");
}

#[tokio::test]
async fn events_that_go_nowhere_are_not_printed() {
    let printed = Arc::new(Paper::default());
    let router = Router::new(vec![
        root(vec![
            filtering("**", printer(&printed)),
            matching("**", Target::Relabel(LabelId::at(1))),
        ]),
        label("@A", vec![]),
    ]);
    emit(&router, "t", &[1]).await.unwrap_err();
    assert_eq!(printed.read(), "");
}

/// Remembers which thread has written.
#[derive(Default)]
struct Thread(Mutex<Option<ThreadId>>);

impl LineWriter for Thread {
    fn write_lines(&self, _: &[u8]) -> io::Result<()> {
        *self.0.lock().unwrap() = Some(std::thread::current().id());
        Ok(())
    }
}

#[tokio::test]
async fn a_printout_does_not_block_the_thread_that_answers() {
    let thread = Arc::new(Thread::default());
    let printer = Printer::new(Formatter::Json(Newline::Lf), None, thread.clone());
    let router = Router::new(vec![root(vec![
        filtering("**", Filter::Stdout(Box::new(printer))),
        matching("**", Target::Null),
    ])]);
    emit(&router, "t", &[1]).await.unwrap();
    let wrote = thread.0.lock().unwrap().unwrap();
    assert_ne!(wrote, std::thread::current().id());
}
