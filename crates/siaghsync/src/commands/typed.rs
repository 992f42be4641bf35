//! What operators type to name a customer, or a system.

use clap::ValueEnum;
use domain::company::Company;
use domain::ports::Side;
use domain::store::{EntityRef, EntityType};
use service::settings::Settings;
use uuid::Uuid;

/// Whose finance codes are meant.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct OfCompany {
    /// Of which company finance's codes are, where several are served (COMPANIES); without it, of the first
    #[arg(long, value_name = "CODE")]
    company: Option<Company>,
}

impl OfCompany {
    /// The one that was named.
    ///
    /// # Errors
    /// It is not served.
    pub(crate) fn named(self, settings: &Settings) -> anyhow::Result<Option<Company>> {
        if let Some(company) = self.company {
            anyhow::ensure!(
                settings.companies.serve(company),
                "--company {company}: only {} is served (COMPANIES)",
                settings.companies
            );
        }
        Ok(self.company)
    }

    /// That one, or the first.
    ///
    /// # Errors
    /// It is not served.
    pub(crate) fn one(self, settings: &Settings) -> anyhow::Result<Company> {
        Ok(self.named(settings)?.unwrap_or(settings.companies.first()))
    }
}

/// One of the two systems.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum System {
    Crm,
    Finance,
}

impl From<System> for Side {
    fn from(keep: System) -> Self {
        match keep {
            System::Crm => Self::Crm,
            System::Finance => Self::Finance,
        }
    }
}

/// By its CRM id or its finance code.
///
/// # Errors
/// It is neither.
pub(crate) fn customer(id: &str) -> anyhow::Result<EntityRef> {
    let id = id.trim();
    let (side, id) = if let Ok(code) = id.parse::<u64>() {
        (Side::Finance, code.to_string())
    } else if let Ok(guid) = id.parse::<Uuid>() {
        (Side::Crm, guid.to_string())
    } else {
        anyhow::bail!("{id:?} is neither a CRM id (a guid) nor a finance code (a number)");
    };
    Ok(EntityRef {
        entity_type: EntityType::Customer,
        side,
        id,
    })
}
