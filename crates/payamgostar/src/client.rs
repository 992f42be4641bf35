//! The calls that this system makes, and what their answers mean.
//!
//! It moves JSON objects with camelCase names; what they say is [`crate::translate`]'s matter.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::customer::Kind;
use domain::document::DocumentKind;
use domain::entity::normal_id;
use domain::message::{Code, Message};
use domain::ports::{PortError, PortResult, SetAside, Side};
use outside::{Answer, Call, Http, Intent, record};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::failure::{self, CRM};
use crate::listed::{self, Row};
use crate::session::Session;
use crate::wire::{self, Find, Id, Search, Webhook};

const SEARCH: &str = "/api/v2/crmobject/identity/search";
const WEBHOOKS: &str = "/api/webhooks";
/// What `identity/search` calls an id.
pub(crate) const IDENTITY: &str = "identityId";

/// One page of a search.
pub(crate) struct Page {
    pub(crate) rows: Vec<Row>,
    /// The page held as many as were asked for: there may be more.
    pub(crate) full: bool,
}

/// So many empty answers in a row say that there is no such object: a proxy that swallows one or two must not make it
/// look deleted.
const EMPTY_ANSWERS: u32 = 3;

pub(crate) struct Client {
    http: Arc<Http>,
    session: Session,
}

impl Client {
    pub(crate) fn new(http: Arc<Http>, session: Session) -> Self {
        Self { http, session }
    }

    /// The object of that kind; `None` when there is none.
    pub(crate) async fn get(&self, object: Object, id: &str) -> PortResult<Option<Value>> {
        let path = object.path("get");
        let call = Call::post(&path, None, Intent::Read);
        let mut answer = self.exchange(&call, Some(&Id { id })).await?;
        for _ in 1..EMPTY_ANSWERS {
            if !is_empty(&answer) {
                break;
            }
            answer = self.exchange(&call, Some(&Id { id })).await?;
        }
        if not_found(&call, &answer)? {
            return Ok(None);
        }
        let row = record_of(&call, &answer)?;
        let answered = wire::id(&row.object, "crmId");
        match row.wrong {
            None if is_id(&answered, id) => Ok(Some(row.object)),
            // Some other answer than a record's: nothing is said of this one.
            None
            | Some(Message {
                code: Code::AsideNoObject | Code::AsideNoId | Code::AsideBadId,
                ..
            }) => Err(CRM.unreadable(&call, format_args!("it is the object '{answered}', not '{id}'"))),
            Some(why) => Err(PortError::SetAside(SetAside {
                id: normal_id(Side::Crm, id),
                why,
            })),
        }
    }

    /// Creates the object and says its id.
    pub(crate) async fn create(&self, kind: Object, object: &Value) -> PortResult<String> {
        let path = kind.path("create");
        let call = Call::post(&path, None, Intent::Write);
        self.saved(&call, object).await
    }

    /// Saves the whole object.
    pub(crate) async fn update(&self, kind: Object, id: &str, object: &Value) -> PortResult<()> {
        let path = kind.path("update");
        let call = Call::post(&path, None, Intent::Write);
        let answered = self.saved(&call, object).await?;
        if is_id(&answered, id) {
            return Ok(());
        }
        Err(PortError::Integrity {
            sent: id.to_owned(),
            answered,
        })
    }

    async fn saved(&self, call: &Call<'_>, object: &Value) -> PortResult<String> {
        let markup = wire::markup(object);
        let call = &call.clone().with_markup(&markup);
        let answer = self.exchange(call, Some(object)).await?;
        let id = wire::id(&success(call, &answer)?.unwrap_or(Value::Null), "crmId");
        if id.is_empty() {
            return Err(CRM.unreadable(call, "it holds no crmId"));
        }
        Ok(id)
    }

    /// One page of `find`.
    pub(crate) async fn find(&self, object: Object, find: &Find<'_>) -> PortResult<Page> {
        let path = object.path("find");
        let call = Call::post(&path, None, Intent::Read);
        let answer = self.exchange(&call, Some(find)).await?;
        succeeded(&call, &answer)?;
        let rows = listed::data(&record::text(&answer.body));
        let rows = rows.ok_or_else(|| CRM.unreadable(&call, "it holds no list of data"))?;
        Ok(Page {
            full: rows.len() >= find.page_size as usize,
            rows,
        })
    }

    /// The first page of `identity/search`.
    pub(crate) async fn search(&self, term: Option<&str>, size: u32) -> PortResult<Vec<Row>> {
        let call = Call::post(SEARCH, None, Intent::Read);
        let answer = self
            .exchange(
                &call,
                Some(&Search {
                    page_number: 0,
                    page_size: size,
                    search_term: term,
                }),
            )
            .await?;
        succeeded(&call, &answer)?;
        listed::rows(&record::text(&answer.body), IDENTITY)
            .ok_or_else(|| CRM.unreadable(&call, "it is no list of identities"))
    }

    /// Registers a webhook; `false` where there are none.
    pub(crate) async fn register_webhook(&self, webhook: &Webhook<'_>) -> PortResult<bool> {
        let call = Call::post(WEBHOOKS, None, Intent::Write);
        let answer = self.exchange(&call, Some(webhook)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        if answer.status.is_success() {
            Ok(true)
        } else {
            Err(failure::status(&call, &answer))
        }
    }

    /// The addresses of the registered webhooks; `None` where there are none.
    pub(crate) async fn webhooks(&self) -> PortResult<Option<Vec<String>>> {
        let call = Call {
            method: Method::GET,
            path: WEBHOOKS,
            body: None,
            intent: Intent::Read,
            markup: "",
        };
        let answer = self.exchange(&call, None::<&()>).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let value = success(&call, &answer)?.unwrap_or(Value::Null);
        // The form of the list is unverified: a bare array, or one under `data`, of objects or of addresses.
        let list = value.as_array().or_else(|| value.get("data")?.as_array());
        let list = list.ok_or_else(|| CRM.unreadable(&call, "it is no list of webhooks"))?;
        Ok(Some(
            list.iter()
                .filter_map(|hook| hook.as_str().or_else(|| hook.get("url")?.as_str()))
                .map(str::to_owned)
                .collect(),
        ))
    }

    /// The server's clock.
    pub(crate) async fn server_time(&self) -> PortResult<Option<DateTime<Utc>>> {
        self.http.server_time().await
    }

    /// Whether calls are not sent at the moment.
    pub(crate) fn refuses(&self) -> bool {
        self.http.refuses()
    }

    /// Sends the call with the session; a session that has ended is renewed once and the call repeated once.
    /// (A `401` says that nothing was carried out, so that is safe for a write too.) A write is not sent late for it.
    async fn exchange(&self, call: &Call<'_>, body: Option<&impl Serialize>) -> PortResult<Answer> {
        let body = body.map(serde_json::to_vec).transpose();
        let body = body.map_err(|error| {
            PortError::Refused(format!("{}: it can't be written as JSON: {error}", call.path))
        })?;
        let call = Call {
            body: body.as_deref(),
            ..call.clone()
        };
        let asked = self.http.now();
        let grant = self.session.grant().await?;
        self.http.still_in_time(&call, asked)?;
        let answer = self.http.exchange(&call, Some(&grant.header), None).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let grant = self.session.renew(&grant).await?;
        self.http.still_in_time(&call, asked)?;
        self.http.exchange(&call, Some(&grant.header), None).await
    }
}

/// Whether that id was asked for.
fn is_id(answered: &str, asked: &str) -> bool {
    answered.eq_ignore_ascii_case(&normal_id(Side::Crm, asked))
}

fn succeeded(call: &Call<'_>, answer: &Answer) -> PortResult<()> {
    if answer.status.is_success() {
        return Ok(());
    }
    Err(failure::status(call, answer))
}

/// The JSON of a success; `None` for an empty body.
fn success(call: &Call<'_>, answer: &Answer) -> PortResult<Option<Value>> {
    succeeded(call, answer)?;
    wire::parse(&answer.body).map_err(|error| no_json(call, &error))
}

/// The one record that a success shows.
fn record_of(call: &Call<'_>, answer: &Answer) -> PortResult<Row> {
    succeeded(call, answer)?;
    let text = record::text(&answer.body);
    let row = Row::read(&text, "crmId");
    if row.wrong.is_some() {
        // What is no JSON at all was cut off on the way: that says nothing of the record.
        let whole: Result<IgnoredAny, _> = serde_json::from_str(&text);
        whole.map_err(|error| no_json(call, &error))?;
    }
    Ok(row)
}

/// The parser's message could quote a value: only its place is passed on.
fn no_json(call: &Call<'_>, error: &serde_json::Error) -> PortError {
    CRM.unreadable(
        call,
        format_args!("no JSON at line {} column {}", error.line(), error.column()),
    )
}

/// The forms in which the CRM says that an id is unknown (**unverified** which of them it uses): `404`; `400`
/// with a message of its own; an empty `200`. A `404` that is a web page is none of them: some server that is not
/// the CRM's API speaks, and its word must not close a link.
fn not_found(call: &Call<'_>, answer: &Answer) -> PortResult<bool> {
    match answer.status {
        StatusCode::NOT_FOUND if answer.is_page() => {
            Err(CRM.unreadable(call, "it is a web page with status 404; check CRM_API_BASE_URL"))
        }
        StatusCode::NOT_FOUND => Ok(true),
        StatusCode::BAD_REQUEST => Ok(wire::words_of(&answer.body).is_some()),
        _ => Ok(is_empty(answer)),
    }
}

/// A success that says nothing: no body, `null`, `{}`, or an object whose every property is null.
fn is_empty(answer: &Answer) -> bool {
    answer.status.is_success() && wire::says_nothing(&answer.body)
}

/// What is asked for: each kind of object has calls of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object {
    Customer(Kind),
    Document(DocumentKind),
}

impl From<Kind> for Object {
    fn from(kind: Kind) -> Self {
        Self::Customer(kind)
    }
}

impl From<DocumentKind> for Object {
    fn from(kind: DocumentKind) -> Self {
        Self::Document(kind)
    }
}

impl Object {
    fn path(self, verb: &str) -> String {
        let object = match self {
            Self::Customer(Kind::Person) => "person",
            Self::Customer(Kind::Organization) => "organization",
            Self::Document(DocumentKind::Quote) => "quote/sales",
            Self::Document(DocumentKind::Invoice) => "invoice/sales",
        };
        format!("/api/v2/crmobject/{object}/{verb}")
    }
}
