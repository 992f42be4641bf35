//! What an operator says of a document: it is there, it is not, or its change is handled.
//!
//! A ruling is about one thing that was seen: the request that was sent at that time, the document as it stood then.
//! It never applies to a later one, so that a run that is killed and taken up again does not send a third time.

use chrono::{DateTime, Utc};

use super::DocumentRun;
use crate::document::DocumentKind;
use crate::engine::Engine;
use crate::engine::resolve::NotRuled;
use crate::ports::{Ring, Side};
use crate::store::{EntityRef, IssuedDocument, Link, Ruling, SentDocument};

impl Engine {
    /// A document whose outcome is unknown stands in finance under that number. Says the row to run.
    ///
    /// # Errors
    /// When nothing of the kind is unknown.
    pub async fn exists(
        &self,
        entity: &EntityRef,
        number: &str,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let number = number.trim().to_owned();
        if number.is_empty() {
            return Err(NotRuled::Refused(
                "--exists needs the pre-invoice's number".to_owned(),
            ));
        }
        let (link, sent_at, _) = self.unknown_document(entity).await?;
        self.rule(link, Ruling::Exists { sent_at, number }, traceparent)
            .await
    }

    /// A document whose outcome is unknown is not in finance: it is to be sent again. Says the row to run.
    ///
    /// # Errors
    /// When nothing of the kind is unknown, or the first request may still arrive.
    pub async fn send_again(
        &self,
        entity: &EntityRef,
        traceparent: Option<String>,
    ) -> Result<Ring, NotRuled> {
        let (link, sent_at, sent) = self.unknown_document(entity).await?;
        let settled = chrono::Duration::from_std(self.config.create_settle).unwrap_or(chrono::Duration::MAX);
        let left = sent_at + settled - self.clock.now();
        if sent.said_to_be.is_none() && left > chrono::Duration::zero() {
            return Err(NotRuled::Refused(format!(
                "the request that was sent at {sent_at} may still arrive: look into finance again and repeat this in \
                 {} s (CREATE_SETTLE_SECONDS)",
                left.num_seconds() + 1
            )));
        }
        self.rule(link, Ruling::SendAgain { sent_at }, traceparent).await
    }

    /// The change of an issued document is handled: it is as it should be. Says the row to run.
    ///
    /// # Errors
    /// When no change of it waits.
    pub async fn accept(&self, entity: &EntityRef, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let link = self.document_of(entity).await?;
        let disputed = link.issued.as_ref().and_then(|issued| issued.disputed.clone());
        let Some(document) = disputed else {
            return Err(NotRuled::Refused(format!(
                "no change of {} {} waits to be accepted",
                DocumentKind::of(entity.entity_type).map_or("document", DocumentKind::name),
                entity.id
            )));
        };
        let ruling = Ruling::Accept {
            document: Box::new(document),
        };
        self.rule(link, ruling, traceparent).await
    }

    async fn document_of(&self, entity: &EntityRef) -> Result<Link, NotRuled> {
        let Some(kind) = DocumentKind::of(entity.entity_type) else {
            return Err(NotRuled::Refused(
                "this is a customer: --exists, --send-again and --accept are about documents".to_owned(),
            ));
        };
        let link = self.store.find_link(entity).await?;
        link.ok_or_else(|| {
            NotRuled::Refused(format!(
                "{} {} was never sent: `siaghsync sync {}` looks at it",
                kind.name(),
                entity.id,
                entity.id
            ))
        })
    }

    async fn unknown_document(
        &self,
        entity: &EntityRef,
    ) -> Result<(Link, DateTime<Utc>, SentDocument), NotRuled> {
        let link = self.document_of(entity).await?;
        let intent = link.in_flight.get(&Side::Finance).and_then(|sent| sent.last());
        let unknown = intent.and_then(|intent| {
            let sent = intent
                .document
                .as_deref()
                .filter(|sent| sent.answer.is_none() && !sent.again)?;
            Some((intent.at, sent.clone()))
        });
        let again = intent
            .and_then(|intent| intent.document.as_deref())
            .is_some_and(|sent| sent.again);
        match (unknown, &link.issued) {
            (Some((sent_at, sent)), _) => Ok((link, sent_at, sent)),
            (None, None) if again => Err(NotRuled::Refused(
                "it is to be sent again already: `siaghsync log --entity` shows how far that has come"
                    .to_owned(),
            )),
            (None, Some(issued)) => Err(NotRuled::Refused(format!(
                "it stands in finance as pre-invoice {}: nothing is unknown",
                issued.number
            ))),
            (None, None) => Err(NotRuled::Refused(
                "nothing is unknown about it: it was not sent".to_owned(),
            )),
        }
    }

    async fn rule(&self, link: Link, ruling: Ruling, traceparent: Option<String>) -> Result<Ring, NotRuled> {
        let entity = EntityRef {
            entity_type: link.entity_type,
            side: Side::Crm,
            id: link.crm_id.unwrap_or_default(),
        };
        self.hear_ruling(entity, ruling, traceparent).await
    }
}

impl DocumentRun<'_> {
    pub(super) fn carry_out_ruling(&mut self) {
        let Some(ruling) = self.work.lead.ruling.clone() else {
            return;
        };
        match ruling {
            Ruling::Exists { sent_at, number } => {
                if let Some(sent) = self.unknown_since(sent_at) {
                    let document = sent.document.clone();
                    self.said = Some(format!("an operator says that it is pre-invoice {number}"));
                    self.stands(document, None, number);
                }
            }
            Ruling::SendAgain { sent_at } => {
                if let Some(sent) = self.unknown_since(sent_at) {
                    sent.again = true;
                    self.said =
                        Some("sent again, since an operator says that it is not in finance".to_owned());
                }
            }
            Ruling::Accept { document } => {
                if let Some(issued) = &mut self.link.issued {
                    let issued: &mut IssuedDocument = issued;
                    issued.accepted = Some(*document);
                    issued.disputed = None;
                    self.said = Some("an operator has accepted the change".to_owned());
                }
            }
            Ruling::Keep(_) | Ruling::Link { .. } => {}
        }
    }

    /// What was sent at that time, if nothing else is known of it.
    fn unknown_since(&mut self, sent_at: DateTime<Utc>) -> Option<&mut SentDocument> {
        let intent = self.link.in_flight.get_mut(&Side::Finance)?.last_mut()?;
        let at = intent.at;
        let sent = intent.document.as_deref_mut()?;
        (at == sent_at && sent.answer.is_none()).then_some(sent)
    }
}
