use super::*;

pub(super) fn at(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + millis).unwrap()
}

#[test]
fn opens_after_so_many_in_a_row_and_not_before() {
    let mut breaker = Breaker::new(Rules::default());
    for _ in 0..3 {
        assert_eq!(breaker.failed(at(0), 1.0, Failure::default()).open, None);
    }
    breaker.answered(false);
    for _ in 0..4 {
        assert_eq!(breaker.failed(at(0), 1.0, Failure::default()).open, None);
    }
    let open = breaker.failed(at(0), 1.0, Failure::default()).open.unwrap();
    assert_eq!(open.probe_at, at(1000));
    assert_eq!(
        breaker.admit(at(0)),
        Admission::Send,
        "only what is shared counts"
    );
    breaker.learn(Shared {
        version: 1,
        open: Some(open),
    });
    assert_eq!(
        breaker.admit(at(400)),
        Admission::Held(Duration::from_millis(600))
    );
    assert!(matches!(breaker.admit(at(1000)), Admission::Probe(next) if next.probe_at == at(4000)));
    let again = breaker.failed(at(500), 1.0, Failure::default());
    assert_eq!(again.open, None, "it is open already");
}

#[test]
fn the_second_in_a_row_that_no_record_can_have_caused_is_nobodys_fault() {
    let mut breaker = Breaker::new(Rules::default());
    let surely = Failure {
        surely: true,
        ..Failure::default()
    };
    assert_eq!(breaker.failed(at(0), 1.0, surely).wait, None);
    assert_eq!(
        breaker.failed(at(0), 1.0, surely).wait,
        Some(Duration::from_secs(1))
    );
    breaker.answered(false);
    let waits: Vec<_> = (0..5)
        .map(|_| breaker.failed(at(0), 1.0, Failure::default()).wait.is_some())
        .collect();
    assert_eq!(
        waits,
        [false, false, false, false, true],
        "a 500 may be a record's"
    );
}

#[test]
fn writes_that_fail_are_held_though_reads_are_answered() {
    let mut breaker = Breaker::new(Rules::default());
    let write = Failure {
        write: true,
        surely: true,
        asked: None,
    };
    let mut waits = Vec::new();
    for _ in 0..5 {
        assert_eq!(breaker.admit_write(at(0)), None);
        let failed = breaker.failed(at(0), 1.0, write);
        assert_eq!(failed.open, None, "it is not down for all");
        waits.push(failed.wait.is_some());
        breaker.answered(false);
    }
    assert_eq!(waits, [false, true, true, true, true]);
    assert_eq!(breaker.admit(at(0)), Admission::Send, "reads go on");
    assert_eq!(breaker.admit_write(at(400)), Some(Duration::from_millis(600)));
    assert_eq!(breaker.admit_write(at(1000)), None, "one tries");
    assert!(breaker.admit_write(at(1000)).is_some(), "and no other");
    breaker.failed(at(1100), 1.0, write);
    assert_eq!(breaker.admit_write(at(2000)), Some(Duration::from_millis(500)));
    assert_eq!(breaker.admit_write(at(2100)), None);
    breaker.write_at = at(3_600_000);
    let held = breaker.admit_write(at(3_599_000));
    assert_eq!(
        held,
        Some(PATIENCE_OF_ROWS),
        "rows come back less often when it lasts"
    );
    breaker.answered(true);
    assert_eq!(breaker.admit_write(at(3_599_000)), None);
}

#[test]
fn pauses_grow_up_to_a_few_seconds_and_hear_what_the_system_asks() {
    let mut breaker = Breaker::new(Rules::default());
    let mut open = Open {
        since: at(0),
        probe_at: at(0),
        probes: 0,
    };
    let mut pauses = Vec::new();
    for version in 1..=5 {
        breaker.learn(Shared {
            version,
            open: Some(open),
        });
        open = breaker.probe_failed(at(0), 1.0, None).unwrap();
        pauses.push((open.probe_at - at(0)).num_seconds());
    }
    assert_eq!(pauses, [2, 4, 4, 4, 4]);
    let asked = |seconds| {
        let open = breaker.probe_failed(at(0), 1.0, Some(Duration::from_secs(seconds)));
        (open.unwrap().probe_at - at(0)).num_seconds()
    };
    assert_eq!(
        [asked(1), asked(20), asked(86_400)],
        [4, 20, 3600],
        "a day is not waited for"
    );
}

#[test]
fn case_19_what_the_system_asks_for_holds_at_once_and_everyone() {
    let asks = |seconds| Failure {
        surely: true,
        asked: Some(Duration::from_secs(seconds)),
        write: false,
    };
    let mut breaker = Breaker::new(Rules::default());
    let failed = breaker.failed(at(0), 1.0, asks(5));
    assert_eq!(
        failed.wait,
        Some(Duration::from_secs(5)),
        "whoever asked is not to blame"
    );
    assert_eq!(
        failed.open.map(|open| open.probe_at),
        Some(at(5000)),
        "and all processes are told"
    );
    // Also before the database knows, or when it can't be told.
    assert_eq!(breaker.admit(at(4000)), Admission::Held(Duration::from_secs(1)));
    assert_eq!(breaker.admit(at(5000)), Admission::Send);
    // A later word that asks for less does not shorten the first.
    breaker.failed(at(100), 1.0, asks(1));
    assert_eq!(
        breaker.admit(at(4900)),
        Admission::Held(Duration::from_millis(100))
    );
    let mut other = Breaker::new(Rules::default());
    assert_eq!(other.failed(at(0), 1.0, asks(0)).open, None, "0 asks for nothing");
}

#[test]
fn older_news_is_none() {
    let mut breaker = Breaker::new(Rules::default());
    assert!(breaker.learn(Shared {
        version: 2,
        open: None
    }));
    let open = Open {
        since: at(0),
        probe_at: at(0),
        probes: 0,
    };
    assert!(!breaker.learn(Shared {
        version: 1,
        open: Some(open)
    }));
    assert_eq!(breaker.shared().open, None);
}
