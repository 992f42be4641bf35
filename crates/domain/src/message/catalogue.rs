//! Every code with its English text, in which `{name}` stands for an argument.

use serde::{Deserialize, Serialize};

macro_rules! catalogue {
    ($($name:ident $code:literal $text:literal;)*) => {
        /// What is said. The text form stands in `errorCode`, and never changes its meaning.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the texts say it")]
        pub enum Code {
            $($name,)*
            /// A code of a newer version.
            Newer(String),
        }

        impl Code {
            /// All that this version knows.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As it is stored.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Newer(code) => code,
                }
            }

            /// The code that is stored so.
            #[must_use]
            pub fn named(code: &str) -> Self {
                match code {
                    $($code => Self::$name,)*
                    other => Self::Newer(other.to_owned()),
                }
            }

            /// Its text in English.
            #[must_use]
            pub fn english(&self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Newer(_) => "a newer version of SiaghSync has left this; upgrade this one to read it",
                }
            }
        }
    };
}

catalogue! {
    Several "several" "{parts}";
    Words "words" "{words}";
    CoveredBy "covered_by" "covered by {row}";
    SettledByRun "settled_by_run" "covered by {row}: {earlier}";
    SettledByLink "settled_by_link" "settled when {side} {id} was linked: {earlier}";
    InStep "in_step" "in step already";
    NothingToCarryOver "nothing_to_carry_over" "nothing to carry over from {side}";
    Linked "linked" "linked with {side} {id}";
    LinkedByHand "linked_by_hand" "linked with {side} {id} by hand";
    Created "created" "created {side} {id}";
    FoundCreated "found_created" "found {side} {id}, created by an earlier try whose answer was lost";
    SentAndNeverSeen "sent_and_never_seen" "an update was sent, and neither answered nor seen to arrive: it may have written over these values";
    MayStillLand "may_still_land" "an update without an answer may still land: looked at again then";
    GoneAndClosed "gone_and_closed" "{side} no longer has this record; the link is closed, and nothing is deleted on the other side";
    NoSuchRecord "no_such_record" "{side} has no such record (any more)";
    ToFinanceIsOff "to_finance_is_off" "it is not in finance, and SYNC_CRM_TO_FINANCE is off";
    ToCrmIsOff "to_crm_is_off" "it is not in CRM, and SYNC_FINANCE_TO_CRM is off";
    NotShown "not_shown" "{side} does not show {id} at the moment: looked for again; not shown for two minutes, it is taken for gone";
    AnnouncedNotThere "announced_not_there" "{side} has announced this record and does not show it yet: looked for again";
    OtherCompany "other_company" "{number} belongs to company {company}, which is not served here (served: {served})";
    CustomerOfOtherCompany "customer_of_other_company" "{number} is a document of company {company}, and its customer {customer} is one of company {other}: correct the one or the other's number in the CRM";
    CompanyNotServed "company_not_served" "it belongs to company {company}, which is not served here any more (served: {served})";
    CompanyChanged "company_changed" "its customer number {number} belongs to company {company} now, and it is linked with a contact of company {served}: correct the number, or settle it in both systems by hand";
    NotShownYet "not_shown_yet" "{side} does not show yet what it has created";
    LeaseTooShort "lease_too_short" "the database was too slow to send it within the lease";
    GivenUpAfterLapses "given_up_after_lapses" "given up: {lapses} runs of this row ended without a word (killed, or too slow for LEASE_SECONDS); look at the worker's log, then `siaghsync retry {row}`";
    AnotherRecord "another_record" "another record stands under {side} {id}: {now}, which was {was} ({why}). Nothing is written on either side. Was the id given again, or a backup put back, put that right in {side}; if it is the same after all, `siaghsync resolve <row> --same`";
    AnotherByName "another_by_name" "another name, and neither national id, mobile nor e-mail has lasted";
    AnotherByNationalId "another_by_national_id" "another name and another national id";
    AnotherByMark "another_by_mark" "the system itself has another mark for it";
    SameRecord "same_record" "an operator says that it is the same record";
    RulingSame "ruling_same" "from an operator: it is the same record";
    RuledNotAnother "ruled_not_another" "nobody takes {side} {id} for another record; `siaghsync plan {id}` shows what a sync would do";
    LinkedElsewhere "linked_elsewhere" "{side} {id} belongs to another link";
    LinkedElsewhereNow "linked_elsewhere_now" "{side} {id} belongs to another link at the moment";
    HeldFields "held_fields" "both systems changed these fields; a human decides: {fields}";
    HeldField "held_field" "{field}: CRM {crm}, finance {finance}";
    HeldFieldOscillates "held_field_oscillates" "{field} (written back and forth): CRM {crm}, finance {finance}";
    HeldFieldAltered "held_field_altered" "{field} (came back altered from a save; if that is how it is written there, `siaghsync resolve <row> --form`; with `--column` for every record): CRM {crm}, finance {finance}";
    StoreFailed "store_failed" "the database: {words}";
    NotAnswered "not_answered" "{side}: {words}";
    Unavailable "unavailable" "{side}: {words}";
    OutcomeUnknown "outcome_unknown" "{side}: {words}";
    NoSession "no_session" "{side}: {words}";
    Refused "refused" "{side}: {words}";
    SecondRecord "second_record" "{side}: {words}";
    SecondRecordStands "second_record_stands" "an update of {side} {sent} was answered with {answered}, which is there: nothing more is written to {side} meanwhile; remove one of the two, or, if {answered} is another customer's, `siaghsync resolve <row> --keep crm|finance` sends again";
    KeysAreBeingMet "keys_are_being_met" "another record with the same keys is being met";
    KeysWaitForAHuman "keys_wait_for_a_human" "another record with the same keys (link {link}) waits for a human: whether it was created is not known";
    WaitedForLong "waited_for_long" "{why}, and has been for long: look at both, and link them by hand (`siaghsync resolve --link <crm-id> <finance-code>`)";
    MatchDoubt "match_doubt" "{side} may have this customer already: {candidates}. Link the two by hand (`siaghsync resolve --link <crm-id> <finance-code>`), or say that it is none of them (`siaghsync resolve <id> --separate`)";
    MatchDoubtTwice "match_doubt_twice" "{side} may have this customer already: {candidates}; but that may be another one of {other}, too: {rivals}. Remove the double, or link the right two by hand (`siaghsync resolve --link <crm-id> <finance-code>`), or say that they are two (`siaghsync resolve <id> --separate`)";
    MatchCandidate "match_candidate" "{id} ({points} points: {reasons})";
    MatchCandidateLinked "match_candidate_linked" "{id}, which is linked already ({points} points: {reasons})";
    LinkedByEvidence "linked_by_evidence" "linked with {side} {id} ({points} points: {reasons})";
    NameOfNobody "name_of_nobody" "its name is nobody's: such a record is not synced";
    SearchIncomplete "search_incomplete" "it is not created: {side} finds more by its keys than it shows ({why}), so that nobody can say that it is not there. Correct its keys, or link it by hand (`siaghsync resolve --link <crm-id> <finance-code>`)";
    SeparatedByHand "separated_by_hand" "an operator says that it is another than {ids}";
    WitnessKindAnother "witness_kind_another" "another kind";
    WitnessNameAgrees "witness_name_agrees" "the name agrees";
    WitnessNameAgreesOthers "witness_name_agrees_others" "the name agrees, {others} others carry it";
    WitnessNameAlike "witness_name_alike" "the name is alike";
    WitnessNamePart "witness_name_part" "a part of the name agrees";
    WitnessNameHalf "witness_name_half" "half of the name agrees";
    WitnessNameAnother "witness_name_another" "another name";
    WitnessIdAgrees "witness_id_agrees" "the national id agrees";
    WitnessIdAgreesImplausibly "witness_id_agrees_implausibly" "the national id agrees, with a wrong check digit";
    WitnessIdSlip "witness_id_slip" "the national id differs by a slip";
    WitnessIdAnother "witness_id_another" "another national id";
    WitnessMobileAgrees "witness_mobile_agrees" "the mobile agrees";
    WitnessMobileAnother "witness_mobile_another" "another mobile";
    WitnessEmailAgrees "witness_email_agrees" "the e-mail agrees";
    WitnessEmailAnother "witness_email_another" "another e-mail";
    WitnessLandlineAgrees "witness_landline_agrees" "the landline agrees";
    WitnessPostalCodeAgrees "witness_postal_code_agrees" "the postal code agrees";
    WitnessAddressAgrees "witness_address_agrees" "the address agrees";
    WitnessAddressAnother "witness_address_another" "another address";
    WitnessReferenceAgrees "witness_reference_agrees" "the reference names it";
    WitnessReferenceAnother "witness_reference_another" "the reference names another";
    WitnessNumberAgrees "witness_number_agrees" "the customer number names it";
    UnidentifiedKind "unidentified_kind" "a person and an organization are not linked by themselves";
    UnidentifiedBearer "unidentified_bearer" "the names may be two bearers'";
    UnidentifiedNationalId "unidentified_national_id" "two valid national ids";
    UnidentifiedRelative "unidentified_relative" "one national id under two names";
    UnidentifiedBranch "unidentified_branch" "branches may share a national id";
    UnidentifiedName "unidentified_name" "a name that does not agree is not linked by itself";
    NamesADeletedOne "names_a_deleted_one" "its refId names finance {code}, which was deleted: it is not created again; empty its refId, if it is to be";
    NotLinkedNoSuch "not_linked_no_such" "not linked: {side} has no customer {id}";
    NotLinkedIsBeingCreated "not_linked_is_being_created" "not linked: since it was said, another record may have been created for it in {side}; look at both, and say it again";
    NotLinkedAnother "not_linked_another" "not linked: under {side} {id} stands another record than when it was said, {now}: if it is the one after all, link the two by hand again (`siaghsync resolve --link <crm-id> <finance-code>`)";
    WorkedOnFromItsOtherEnd "worked_on_from_its_other_end" "{side} {id} is being worked on from its other end";
    CandidateWaitsForAHuman "candidate_waits_for_a_human" "{side} {id} has the same keys, and waits for a human itself: settle that, or link the two by hand (`siaghsync resolve --link <crm-id> <finance-code>`)";
    CandidateIsAnothers "candidate_is_anothers" "{side} {id} has the same keys but belongs to another record of {other} already; correct one of them, or remove the duplicate";
    CandidateIsLeftBehind "candidate_is_left_behind" "{side} {id} has the same keys, and its own counterpart of {other} was deleted: if it is this one's now, link the two by hand (`siaghsync resolve --link <crm-id> <finance-code>`)";
    LostCreateWithoutKeys "lost_create_without_keys" "whether {side} has created this customer is not known, and it has no number, national id, mobile or e-mail to look by; look there by name, then link it or send it again by hand";
    LostCreateInDoubt "lost_create_in_doubt" "whether {side} has created this customer is not known; since then {ids} came up there, which may be it: link them by hand, or correct its keys";
    LostCreateSeveral "lost_create_several" "{side} has several records that hold what was sent ({ids}); remove the duplicates there";
    LostCreateNotThereYet "lost_create_not_there_yet" "whether {side} has created this customer is not known yet; looked {looks} times, not there so far";
    FinanceTellsNoDocuments "finance_tells_no_documents" "finance can't be asked about documents";
    DocumentsAreOff "documents_are_off" "it is not issued: SYNC_CRM_TO_FINANCE is off";
    StateIsNotTaken "state_is_not_taken" "its state is \"{state}\"; DOCUMENT_STATES takes {states}";
    NoSuchDocument "no_such_document" "the CRM has no such document (any more)";
    IssuedAndGone "issued_and_gone" "the CRM no longer has it; pre-invoice {number} stands in finance, where nothing is deleted";
    IssuedAndUnchanged "issued_and_unchanged" "issued as pre-invoice {number}, and unchanged";
    IssuedAs "issued_as" "issued as pre-invoice {number} (id {id})";
    NumberIsNoted "number_is_noted" "its number is noted in the CRM";
    NumberIsNotedInRefId "number_is_noted_in_ref_id" "the pre-invoice's number is noted in refId";
    SaidToExist "said_to_exist" "an operator says that it is pre-invoice {number}";
    SaidNotToExist "said_not_to_exist" "sent again, since an operator says that it is not in finance";
    ChangeAccepted "change_accepted" "an operator has accepted the change";
    DocumentOutcomeUnknown "document_outcome_unknown" "outcome unknown: {why}. Look in finance for a pre-invoice of customer {customer}: `siaghsync resolve <id> --exists <number>` if it is there, `--send-again` if it is not";
    NoAnswerTells "no_answer_tells" "it was sent, and no answer tells what became of it";
    NoAnswerTellsBecause "no_answer_tells_because" "it was sent, and no answer tells what became of it ({why})";
    RefIdNamesANumber "ref_id_names_a_number" "its refId in the CRM says \"{number}\", but it was not issued from here";
    DocumentIsGone "document_is_gone" "the CRM no longer has it";
    ChangedAfterIssue "changed_after_issue" "changed after it was issued as pre-invoice {number}: {differences}. Put finance right by hand, then `siaghsync resolve <id> --accept`";
    OrderIsBeingIssued "order_is_being_issued" "another document of the same order (quote {quote}) is being issued, or waits to be";
    QuoteIsIssued "quote_is_issued" "its quote {quote} is issued already";
    InvoiceIsIssued "invoice_is_issued" "an invoice of it is issued already";
    CustomerIsSyncedFirst "customer_is_synced_first" "its customer {customer} is synced first";
    CustomerWasDeletedSomewhere "customer_was_deleted_somewhere" "its customer {customer} was deleted in one of the systems, and is looked at again first";
    CustomerWaitsForAHuman "customer_waits_for_a_human" "its customer {customer} waits for a human itself: see `siaghsync log --entity`";
    CustomerFailed "customer_failed" "its customer {customer} could not be synced (row {row}: {why}): mend it, then `siaghsync retry {row}`";
    CustomerIsNobody "customer_is_nobody" "the name of its customer {customer} is nobody's, and such a customer is not synced: give the document another customer in the CRM, or that one its name, and `siaghsync retry` this row";
    CustomerIsGone "customer_is_gone" "its customer {customer} is not in the CRM (any more): give the document another customer in the CRM (that edit is heard by itself), or bring that one back and `siaghsync retry` this row";
    CustomerWasDeletedInFinance "customer_was_deleted_in_finance" "its customer {customer} was deleted in finance, where it was contact {code}, and is not created again by itself: give the document another customer in the CRM (that edit is heard by itself)";
    InRow "in_row" "row {row}: {problem}";
    NoCustomer "no_customer" "it has no customer";
    NoDate "no_date" "it has no date";
    NoRows "no_rows" "it has no rows";
    ProductHasNoCode "product_has_no_code" "the product {product} has no code";
    IsAService "is_a_service" "{product} is a service, and a pre-invoice takes goods (SEND_SERVICE_ROWS=true sends services too)";
    PartlyReturned "partly_returned" "{value} of it were given back, and a pre-invoice has no place for that: correct the count in the CRM, or make the pre-invoice by hand";
    FinalValueIsRounded "final_value_is_rounded" "the CRM has rounded the final value to {said}; the rows add up to {is}, which is what finance reckons";
    CountNotAboveZero "count_not_above_zero" "the count is {value}, and must be above 0";
    PriceNotAboveZero "price_not_above_zero" "the price is {value}, and must be above 0";
    BelowZero "below_zero" "the {what} is {value}, and must not be below 0";
    PriceBeyondReckoning "price_beyond_reckoning" "count times price is more than can be reckoned with";
    DiscountAbovePrice "discount_above_price" "the discount {discount} is more than the price {price}";
    RowTotalIsAnother "row_total_is_another" "the total is {said}, but {count} times {price} is {is}";
    SumsBeyondReckoning "sums_beyond_reckoning" "the rows add up to more than can be reckoned with";
    AdditionalCosts "additional_costs" "it has additional costs of {value}, for which a pre-invoice has no place: make them a row";
    HeaderIsAnother "header_is_another" "the header's {what} is {said}, but the rows add up to {is}";
    PollHeld "poll_held" "{poll}: {why}. Nothing of it is synced, and this poll waits: look at the changes, then `siaghsync resume` lets them go on, or `siaghsync guard drop` drops them";
    TooManyChanges "too_many_changes" "{changes} changes in one poll are more than MAX_CHANGES_PER_RUN={limit}";
    TooLargeAShare "too_large_a_share" "{changes} changes in one poll are more than MAX_CHANGED_SHARE={limit} of {linked} linked records";
    SetBack "set_back" "{records} of {linked} linked contacts have vanished, are other records, or show values that were written over: finance looks put back from a backup";
    NothingLinkedYet "nothing_linked_yet" "{why} (no customer is linked yet: `siaghsync import` is the way in, then resume)";
    HoldReleased "hold_released" "{why} [released with `siaghsync resume`: {rows} rows]";
    HoldDropped "hold_dropped" "{why} [dropped with `siaghsync guard drop`: {rows} rows]";
    HoldDone "hold_done" "{why} [ended by itself: nothing of it was left to be done; {rows} rows]";
    DroppedByGuard "dropped_by_guard" "held by the guard, and dropped with `siaghsync guard drop`";
    SetAside "set_aside" "the CRM shows a record whose id or ModifyDate can't be one: it is set aside";
    TakenBy "taken_by" "{side} says: {words} — {fields} here is held by {holders}. All else is carried over, and this by itself once it is free";
    TakenForAll "taken_for_all" "{side} takes no save of this record: {words} — {fields} here is held by {holders}. It goes on by itself once that is free";
    TakenByNobody "taken_by_nobody" "{side} says: {words}, and shows no customer that holds it (one of its own users may): tried again some times, as somebody may just have given it free";
    TakenPlaceholder "taken_placeholder" "{side} says: {words} — {fields} here is nobody's own (a placeholder, or no number), and {side} gives it to one record only. All else is carried over; correct it in {other}, or empty it there";
    TakenInExchange "taken_in_exchange" "{side} {own} and {side} {id} (\"{name}\") want each other's {fields}, and {side} gives neither a value that the other one holds ({words}). All else is carried over. In {other}, take it out of one of the two for the moment, and give it its new one when the other has arrived";
    HolderOfIt "holder_of_it" "{side} {id} (\"{name}\")";
    HolderLeftBehind "holder_left_behind" "{side} {id} (\"{name}\"), whose {other} record {gone} is gone: was that one merged into this one, take the value out of {side} {id} by hand";
    RecordSetAside "record_set_aside" "{side} shows record {id}, but it can't be read ({why}): it is set aside until it is corrected there";
    CandidatesSetAside "candidates_set_aside" "{side} has {ids}, which may be this customer and can't be read ({why}): it is not created beside it; correct it there, or link the two by hand (`siaghsync resolve --link <crm-id> <finance-code>`)";
    AsideNoObject "aside_no_object" "it is no object, as a record must be";
    AsideNoJson "aside_no_json" "it is no JSON";
    AsideNoId "aside_no_id" "it shows no id";
    AsideBadId "aside_bad_id" "its id can't be one";
    AsideBadTime "aside_bad_time" "its {property} can't be a time";
    AsideBadValue "aside_bad_value" "its {property} is {what}";
    AsideUnreadable "aside_unreadable" "its {properties} can't be read: bytes that are no UTF-8, or nested too deep";
    AsideTooLarge "aside_too_large" "it is larger than {mib} MiB";
    AsideTwice "aside_twice" "another record has the same id";
    NotStorable "not_storable" "what came of it can't be stored ({words}): correct the record whose value the database can't hold; it is not tried again by itself";
    RuledNeverMet "ruled_never_met" "{side} {id} was never met: `siaghsync sync {id}` meets it";
    RuledHasNoCounterpart "ruled_has_no_counterpart" "{side} {id} has no counterpart yet, so that there is nothing to keep; where the first meeting is in doubt, say who it is: `siaghsync resolve --link <crm-id> <finance-code>`";
    RuledNoDoubt "ruled_no_doubt" "{side} {id} is not in doubt with any record: `siaghsync plan {id}` shows what a sync would do";
    RuledNothingAltered "ruled_nothing_altered" "nothing of {side} {id} came back altered from a save; `siaghsync plan {id}` shows what a sync would do";
    RuledNoColumn "ruled_no_column" "of {side} {field} nothing was ruled; `siaghsync check` lists the columns of which it was";
    FormAccepted "form_accepted" "an operator says that it is how the system writes it";
    RuledNothingWaits "ruled_nothing_waits" "no field of {side} {id} waits for a human; `siaghsync plan {id}` shows what a sync would do";
    RuledDirectionIsOff "ruled_direction_is_off" "to keep {side}'s values, {other} would have to be written, which SYNC_CRM_TO_FINANCE or SYNC_FINANCE_TO_CRM switches off";
    RuledAnotherNow "ruled_another_now" "another record stands under {side} {id} than when it was last seen: {now}; if it is the one that you mean, say it again";
    RuledBothAreOthers "ruled_both_are_others" "other records stand on both sides than those that were linked, and they are not one: {crm} in CRM, {finance} in finance; put one of them right first";
    RuledNoSuchCustomer "ruled_no_such_customer" "{side} has no customer {id}";
    RuledLinkedAlready "ruled_linked_already" "{side} {id} is linked with {other} {linked} already: nothing was changed";
    RuledLinkedWithAnother "ruled_linked_with_another" "{side} {id} is linked with {other} {linked}: nothing was changed";
    RuledBothLeftBehind "ruled_both_left_behind" "the counterparts of CRM {crm} and of finance {finance} were both deleted; only one of the two may have been linked before: nothing was changed";
    RuledIsBeingCreated "ruled_is_being_created" "another record may just have been created in {other} for {side} {id}: once that is known (`siaghsync retry` its row), say it again";
    RuledAnotherIsBeingCreated "ruled_another_is_being_created" "{was}, whom {side} {id} held before, may just have been created on the other side: once that is known (`siaghsync retry` its row), say it again";
    RuledBothAreBeingCreated "ruled_both_are_being_created" "creates of CRM {crm} and of finance {finance} are both on their way: try again in CREATE_SETTLE_SECONDS";
    RuledNeedsANumber "ruled_needs_a_number" "--exists needs the pre-invoice's number";
    RuledMayStillArrive "ruled_may_still_arrive" "the request that was sent at {at} may still arrive: look into finance again and repeat this in {seconds} s (CREATE_SETTLE_SECONDS)";
    RuledNoChangeWaits "ruled_no_change_waits" "no change of {kind} {id} waits to be accepted";
    RuledIsADocument "ruled_is_a_document" "--keep is for customers; {id} is about a document";
    RuledNoSuchDocument "ruled_no_such_document" "{id} is no document that was sent to finance; `siaghsync log --conflict` shows what waits";
    RuledIsACustomer "ruled_is_a_customer" "this is a customer: --exists, --send-again and --accept are about documents";
    RuledNeverSent "ruled_never_sent" "{kind} {id} was never sent: `siaghsync sync {id}` looks at it";
    RuledIsSentAgain "ruled_is_sent_again" "it is to be sent again already: `siaghsync log --entity` shows how far that has come";
    RuledStandsInFinance "ruled_stands_in_finance" "it stands in finance as pre-invoice {number}: nothing is unknown";
    RuledNothingUnknown "ruled_nothing_unknown" "nothing is unknown about it: it was not sent";
    BecauseOnlyThisChanged "because_only_this_changed" "only this side was edited";
    BecauseOtherIsEmpty "because_other_is_empty" "the other side has none";
    BecauseLaterWins "because_later_wins" "both were edited, this one later";
    BecauseTie "because_tie" "both were edited, order unknown: TIE_BREAKER";
    BecausePriority "because_priority" "both were edited: CONFLICT_STRATEGY";
    BecauseHeldForHuman "because_held_for_human" "both were edited: CONFLICT_STRATEGY=manual";
    BecauseSettledByHand "because_settled_by_hand" "both were edited: an operator has decided";
    BecauseOneWay "because_one_way" "this field goes one way only";
    BecauseDeletedInCrm "because_deleted_in_crm" "deleted in the CRM: set inactive";
    BecauseConfirmedLater "because_confirmed_later" "written before, confirmed now";
    BecauseTakenBack "because_taken_back" "a late write of ours had taken it back";
    BecauseOscillates "because_oscillates" "written back and forth: set aside";
    BecauseAltered "because_altered" "came back otherwise than it was written: an edit, or a form that nobody knows";
    CrmGoesToFinance "crm_goes_to_finance" "the CRM's goes to finance";
    FinanceGoesToCrm "finance_goes_to_crm" "finance's goes to the CRM";
    WaitsForAHuman "waits_for_a_human" "waits for a human";
    HeardByWebhook "heard_by_webhook" "by a webhook";
    HeardByPoll "heard_by_poll" "by a poll";
    HeardByImport "heard_by_import" "by the import";
    HeardFromOperator "heard_from_operator" "from an operator";
    HeardInTheRunOf "heard_in_the_run_of" "not by itself: written in the run of row {row} (`siaghsync show {row}`)";
    RulingSeparate "ruling_separate" "from an operator: it is another than {ids}";
    RulingForm "ruling_form" "from an operator: that is how the system writes it";
    RulingColumns "ruling_columns" "from an operator: whatever comes back there from a save is how it is written, for every record: {columns}";
    RulingKeep "ruling_keep" "from an operator: keep {side}";
    RulingLink "ruling_link" "from an operator: CRM {crm} and finance {finance} are one";
    RulingExists "ruling_exists" "from an operator: it stands in finance as pre-invoice {number}";
    RulingSendAgain "ruling_send_again" "from an operator: it is not in finance, send it again";
    RulingAccept "ruling_accept" "from an operator: its change is handled";
    NextNothing "next_nothing" "nothing to do";
    NextCovering "next_covering" "`siaghsync show {row}` tells of the run that covered it";
    NextWorkerHasIt "next_worker_has_it" "a worker has it; should that have died, another takes it up by itself";
    NextTriedAgain "next_tried_again" "tried again by itself at {at}";
    NextTakenUp "next_taken_up" "a worker takes it up by itself; if none does, `siaghsync check`, and see whether one runs";
    NextDependency "next_dependency" "it goes on by itself when what it waits for is settled";
    NextCorrectWhatIsRefused "next_correct_what_is_refused" "correct in {side} what {refuses} refuses (its words stand above): the edit is heard by itself. Or, when {refuses} was mended: `siaghsync retry {row}`";
    NextTaken "next_taken" "correct the value in one of the records that are named above: when it is free, this goes on by itself";
    NextCheckAndRetry "next_check_and_retry" "`siaghsync check` says whether both systems answer; then `siaghsync retry {row}`";
    NextGuard "next_guard" "`siaghsync guard list` shows what is held; `siaghsync resume` lets it go on, `siaghsync guard drop` drops it";
    NextRemoveOne "next_remove_one" "look at both records that are named above and remove the one that is too many; the next edit is heard by itself, or `siaghsync sync <id>`";
    NextKeep "next_keep" "`siaghsync resolve {row} --keep crm` or `--keep finance`; or edit one of the two: it is heard by itself";
    NextSayWho "next_say_who" "correct the records that are named above: the edit is heard by itself. Or say who it is: `siaghsync resolve --link {crm} {finance}`; or that it is none of them: `siaghsync resolve {row} --separate`";
    NextResolve "next_resolve" "`siaghsync resolve {row}` with what you find out; `siaghsync resolve --help`";
    NextDocumentUnknown "next_document_unknown" "look in finance for this document: `siaghsync resolve {row} --exists <number>` if it is there, `siaghsync resolve {row} --send-again` if it is not";
    NextDocumentChanged "next_document_changed" "put the pre-invoice right in finance by hand, then `siaghsync resolve {row} --accept`; or take the change back in the CRM: that is heard by itself";
    NextCorrectDocument "next_correct_document" "correct the document in the CRM: the edit is heard by itself, and it is issued then";
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::named(&code))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_stands_for_two_things() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(Code::as_str).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(&Code::named(code.as_str()), code);
        }
    }
}
