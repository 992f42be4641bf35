//! A deployment of two companies.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::company::{Companies, Company};
use domain::index::IndexStore;
use domain::matching::Numbering;
use domain::ports::Side;
use domain::store::Store;
use domain::store::sql::SqlStore;
use engine::{Config, Engine};

use super::{System, Tables, World};

type Ports = (Arc<dyn Store>, Arc<dyn IndexStore>);

fn ports(store: impl Store + IndexStore + Clone + 'static) -> Ports {
    (Arc::new(store.clone()), Arc::new(store))
}

impl World {
    /// Serves that company beside the first from now on; its finance system.
    pub async fn serve(&mut self, second: Company) -> System {
        let first = self.engine.company();
        let served = Companies::new(first, [second]);
        let [of_first, of_second] = match &self.tables {
            Tables::Memory(store) => {
                let store = store.clone().serving(served.clone());
                [first, second].map(|company| ports(store.of(company)))
            }
            Tables::Sql(db) => {
                let store = SqlStore::with_clock(db.store.db().clone(), self.clock.clone());
                store.serve(&served).await.unwrap().unwrap();
                let store = store.serving(served.clone());
                [first, second].map(|company| ports(store.of(company)))
            }
        };
        let finance = System::new(Side::Finance, self.clock.clone());
        let numbering = Numbering {
            company: second,
            ..self.engine.config.numbering
        };
        let other = Engine {
            finance: Arc::new(finance.clone()),
            store: of_second.0,
            index: of_second.1,
            served: served.clone(),
            config: Config {
                numbering,
                ..self.engine.config
            },
            ..self.engine.clone()
        };
        self.store = of_first.0.clone();
        self.engine.store = of_first.0;
        self.engine.index = of_first.1;
        self.engine.served = served;
        self.engine.others = BTreeMap::from([(second, other)]);
        finance
    }
}
