//! `siaghsync check`: what works and what does not, all of it, with what to do.

use std::process::ExitCode;

use domain::ports::{Customers, Doorbell, Finance};
use secrecy::ExposeSecret;
use service::doorbell::{RedisDoorbell, RedisOptions};
use service::settings::Settings;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    super::block_on(&settings, async {
        let mut failed = false;
        let mut line = |part: &str, result: Result<String, String>| {
            let (mark, words) = match &result {
                Ok(words) => ("✅", words),
                Err(words) => ("❌", words),
            };
            failed |= result.is_err();
            println!("{mark} {part:<10} {words}");
        };
        let store = super::open(&settings).await;
        line(
            "database",
            store
                .as_ref()
                .map(|_| "connected, tables up to date".to_owned())
                .map_err(|e| format!("{e:#}")),
        );
        match &settings.redis {
            None => line(
                "Redis",
                Ok("not set: only `siaghsync serve` can run, which needs none".to_owned()),
            ),
            Some(redis) => {
                let depth = async {
                    let doorbell =
                        RedisDoorbell::connect(redis.url.expose_secret(), &RedisOptions::default())?;
                    doorbell.depth().await
                };
                line(
                    "Redis",
                    depth
                        .await
                        .map(|n| format!("connected, {n} rows rung for"))
                        .map_err(|e| format!("{e}; is the server up, and REDIS_URL right?")),
                );
            }
        }
        if let Ok(store) = &store {
            let crm = service::clients::crm(&settings, store.clock())?;
            line("CRM", crm.check().await.map_err(|e| e.to_string()));
            let finance = service::clients::finance(&settings, store.clock())?;
            line("finance", finance.check().await.map_err(|e| e.to_string()));
            if let Ok(Some(year)) = finance.fiscal_year().await {
                line("fiscal year", Ok(year.to_string()));
            }
        }
        line(
            "webhooks",
            match settings.webhooks.secrets.len() {
                0 => Err("WEBHOOK_SECRET is not set: all webhooks are answered 401".to_owned()),
                n => Ok(format!("{n} secret(s) set")),
            },
        );
        Ok(if failed {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    })
}
