//! The readable log line: time, level, what happened. Operators look for their lines right after the level,
//! so the span that a line stands in is left to the JSON form and to traces, and only lines of libraries name where they
//! come from. It never cuts or rewrites a message; a field whose value the message says already is not said again.

use std::fmt::{self, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::Writer,
        time::{FormatTime as _, SystemTime},
    },
    registry::LookupSpan,
};

/// The crates of this workspace that run as a service or a command.
const OURS: [&str; 9] = [
    "domain",
    "ingest",
    "migrations",
    "outside",
    "payamgostar",
    "service",
    "siagh",
    "siaghsync",
    "worker",
];

/// Values as short as this may stand in a message by chance.
const SHORT: usize = 6;

/// One line per event.
pub(super) struct Line;

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let coloured = line.has_ansi_escapes();
        let level = *event.metadata().level();
        let (dim, colour, plain) = if coloured {
            ("\x1b[2m", colour(level), "\x1b[0m")
        } else {
            ("", "", "")
        };
        line.write_str(dim)?;
        SystemTime.format_time(&mut line)?;
        write!(line, "{plain} {colour}{level:>5}{plain} ")?;
        let origin = event.metadata().target().split("::").next().unwrap_or_default();
        if !OURS.contains(&origin) {
            write!(line, "{origin}: ")?;
        }
        let mut said = Said::default();
        event.record(&mut said);
        line.write_str(&said.message)?;
        for (name, value) in said.fields {
            if value.len() < SHORT || !said.message.contains(value.trim_matches('"')) {
                write!(line, " {dim}{name}={plain}{value}")?;
            }
        }
        writeln!(line)
    }
}

/// What an event says.
#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.record_debug(field, &value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing to a text can't fail.
            let _ = write!(self.message, "{value:?}");
        } else {
            self.fields.push((field.name(), format!("{value:?}")));
        }
    }
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::ERROR => "\x1b[31m",
        Level::WARN => "\x1b[33m",
        Level::INFO => "\x1b[32m",
        Level::DEBUG => "\x1b[34m",
        Level::TRACE => "\x1b[35m",
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::{Arc, Mutex},
    };

    use tracing::{info, info_span};
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::Line;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Buffer {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn the_message_stands_right_after_the_level() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Line)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            info_span!("sync", otel.kind = "consumer").in_scope(|| info!(row = 7, "✅ Database connected"));
        });
        assert!(buffer.text().ends_with("Z  INFO ✅ Database connected row=7\n"));
    }

    #[test]
    fn nothing_is_said_twice_and_libraries_are_named() {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Line)
            .with_ansi(false)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let error = "connection refused";
            tracing::warn!(%error, poll = "crm:person", times = 2, "poll crm:person waits: {error}");
            tracing::warn!(target: "sqlx::pool", secs = 4, message = "slow");
        });
        let text = buffer.text();
        let lines: Vec<_> = text.lines().collect();
        assert!(
            lines[0].ends_with("WARN poll crm:person waits: connection refused times=2"),
            "{text}"
        );
        assert!(lines[1].ends_with("WARN sqlx: slow secs=4"), "{text}");
    }
}
