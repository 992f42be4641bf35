//! `siaghsync check`: line by line what works, and what to do about what does not. It changes nothing.

use std::borrow::Cow;
use std::net::{Ipv4Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use domain::clock::{Clock, SystemClock};
use domain::company::{Companies, Company};
use domain::ports::{Customers, Doorbell, Finance};
use domain::store::sql::{SqlStore, connect};
use domain::store::words;
use secrecy::ExposeSecret;
use service::doorbell::{RedisDoorbell, RedisOptions};
use service::settings::{DatabaseKind, Settings};
use siagh::Siagh;

use super::output::{self, say};
use super::part::Part;
use super::{aside, clocks, column, dates, province, secrets};

/// Arguments of `check`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync check
  siaghsync check --json | jq '.parts[] | select(.state != \"ok\")'
Exit codes: 0 all works (warnings included), 1 something does not (says what to do), 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// One JSON object: ok, and per part its state, words and what to do
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    super::block_on(&settings, async {
        let mut parts = Vec::new();
        let mut say = |part: Part| {
            if !arguments.json {
                say!("{}", part.line());
            }
            parts.push(part);
        };
        let (part, store) = database(&settings).await;
        say(part);
        if let Some(store) = &store {
            for part in companies(store, &settings)
                .await
                .into_iter()
                .chain(aside::look(store).await)
                .chain(column::look(store).await)
            {
                say(part);
            }
        }
        say(redis(&settings).await);
        // Both systems are looked at whatever the database does.
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let crm = service::clients::crm(&settings, clock.clone(), None)?;
        say(answer("CRM", crm.check().await));
        for part in clocks::compare(store.as_ref(), &crm).await {
            say(part);
        }
        if let Some(part) = dates::look(store.as_ref(), &crm).await {
            say(part);
        }
        for company in settings.companies.iter() {
            let finance = service::clients::finance(&settings, company, clock.clone(), None)?;
            let store = store.as_ref().map(|store| store.of(company));
            for part in of_company(&settings.companies, company, &finance, store.as_ref()).await {
                say(part);
            }
        }
        say(secrets::look(&settings.webhooks));
        say(port(settings.http.port));
        let failed = parts.iter().any(Part::is_failed);
        if arguments.json {
            output::json(&serde_json::json!({ "ok": !failed, "parts": parts }))?;
        }
        Ok(ExitCode::from(u8::from(failed)))
    })
}

/// A company's finance system.
async fn of_company(
    served: &Companies,
    company: Company,
    finance: &Siagh,
    store: Option<&SqlStore>,
) -> Vec<Part> {
    // Named where there are several.
    let name = |part: &str| match served.are_many() {
        true => format!("{part} {company}"),
        false => part.to_owned(),
    };
    let mut parts = vec![answer(name("finance"), finance.check().await)];
    if let Ok(year) = finance.fiscal_year().await {
        parts.push(fiscal_year(name("fiscal year"), year));
    }
    let whose = format!("{}'s", name("finance"));
    parts.extend(clocks::finance(&whose, finance).await);
    parts.extend(province::look(store, finance).await);
    parts
}

/// Whether the database knows the companies that are to be served.
async fn companies(store: &SqlStore, settings: &Settings) -> Option<Part> {
    // What is wrong with the database stands in its own line.
    let problem = store.can_serve(&settings.companies).await.ok()?.err()?;
    Some(Part::failed("companies", problem.to_string(), ""))
}

/// Whether it answers, has the tables, and lets them be written.
async fn database(settings: &Settings) -> (Part, Option<SqlStore>) {
    let kind = match settings.database.kind {
        DatabaseKind::Postgres => "PostgreSQL",
        DatabaseKind::Sqlite => "SQLite",
    };
    let store = match readable(settings, kind).await {
        Ok(store) => store,
        Err(part) => return (part, None),
    };
    let part = match store.try_writing().await {
        Ok(()) => Part::ok(
            "database",
            format!("{kind} answers; tables at version {}", migrations::count()),
        ),
        Err(error) => Part::failed(
            "database",
            format!("its tables can be read but not written (read-only): {error}"),
            "give DATABASE_URL's user the right to write them (it best owns the tables), or name the server that is no \
             read-only copy; for SQLite, make the file and its folder writable",
        ),
    };
    (part, Some(store))
}

/// The store on a database that answers and has the tables; else what is wrong with it.
async fn readable(settings: &Settings, kind: &str) -> Result<SqlStore, Part> {
    let failed = |words: String, todo: &str| Part::failed("database", words, todo);
    let url = settings.database.url.expose_secret();
    let db = connect(url, 2).await.map_err(|error| {
        let todo = match settings.database.kind {
            DatabaseKind::Postgres => {
                "check DATABASE_URL (host, port, user, password, name of the database) and whether the server runs"
            }
            DatabaseKind::Sqlite => {
                "check the path in DATABASE_URL: its folder must be there, and be writable for this user"
            }
        };
        failed(format!("{kind} can't be reached: {error}"), todo)
    })?;
    let behind = migrations::pending(&db).await.map_err(|error| {
        failed(
            format!("it can't be asked for its tables: {}", words(&error)),
            "give DATABASE_URL's user the right to read them",
        )
    })?;
    if behind > 0 {
        let all = migrations::count();
        let todo = if behind == all {
            "run `siaghsync migrate`; or, if there should be data already, correct DATABASE_URL: it names an empty \
             database"
        } else {
            "run `siaghsync migrate`"
        };
        let said = format!("{kind} answers, but {behind} of {all} steps of the tables are missing");
        return Err(failed(said, todo));
    }
    let store = SqlStore::new(db).await;
    store
        .map(|store| store.serving(settings.companies.clone()))
        .map_err(|error| failed(error.to_string(), "see the database server's log"))
}

async fn redis(settings: &Settings) -> Part {
    let Some(redis) = &settings.redis else {
        return Part::ok(
            "Redis",
            "not set: only `siaghsync serve` can run, which needs none",
        );
    };
    let depth = async {
        let doorbell = RedisDoorbell::connect(redis.url.expose_secret(), &RedisOptions::default())?;
        doorbell.depth().await
    };
    match depth.await {
        Ok(rung) => Part::ok("Redis", format!("answers; {rung} rows rung for")),
        Err(error) => Part::failed(
            "Redis",
            error.to_string(),
            "start the Redis server, or correct REDIS_URL; nothing is lost meanwhile, rows wait in the database",
        ),
    }
}

/// What a system says to a harmless call. Its errors name the setting and what to do.
fn answer(part: impl Into<Cow<'static, str>>, result: domain::ports::PortResult<String>) -> Part {
    match result {
        Ok(words) => Part::ok(part, words),
        Err(error) => Part::failed(part, error.to_string(), ""),
    }
}

fn fiscal_year(part: String, year: Option<i32>) -> Part {
    match year {
        Some(year) => Part::ok(part, year.to_string()),
        None => Part::warning(
            part,
            "finance's login states none",
            "documents take the Jalali year of their date; log in to Siagh once and choose the fiscal year",
        ),
    }
}

/// Whether the service can have its port; one that runs already has it.
fn port(port: u16) -> Part {
    match TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)) {
        Ok(_) => Part::ok("port", format!("{port} is free")),
        Err(error) => Part::warning(
            "port",
            format!("{port} (PORT) is taken: {error}"),
            "fine if SiaghSync runs here already; else stop the program that has it, or set another PORT",
        ),
    }
}
