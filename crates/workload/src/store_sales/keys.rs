use std::{ops::RangeInclusive, sync::Arc};

use tpcdsgen::{
    config::{Session, Table},
    generator::{GeneratorColumn, StoreSalesGeneratorColumn as Column},
    join_key_utils::generate_sales_date_join_key,
    permutations::{get_permutation_entry, make_permutation},
    random::{RandomNumberStream, RandomValueGenerator},
    slowly_changing_dimension_utils::match_surrogate_key,
};

use super::{StoreSales, pass::Stretch};
use crate::Key;

/// The order of item ids from which every ticket takes a stretch. The ids of a stretch differ, and an id's revisions
/// share their keys with no other id, so a ticket holds an item once, whatever the scale.
pub(super) fn item_order(session: &Session) -> Vec<i32> {
    let items = usize::try_from(session.get_scaling().get_id_count(Table::Item)).expect("item ids fit in memory");
    make_permutation(items, &mut stream(Column::SsPermutation))
}

/// Draws only the three random streams of a sale that decide its key: its date (which revision of an item was on
/// sale), the number of its items, the first of its items.
pub(super) struct Keys {
    sales: Arc<StoreSales>,
    rest: RangeInclusive<u64>,
    date: RandomNumberStream,
    count: RandomNumberStream,
    item: RandomNumberStream,
    tickets_left: u64,
    ticket: u64,
    items_left: i32,
    date_key: i64,
    position: i32,
}

impl Keys {
    pub(super) fn new(sales: Arc<StoreSales>, tickets: RangeInclusive<u64>) -> Self {
        Self {
            sales,
            rest: tickets,
            date: stream(Column::SsSoldDateSk),
            count: stream(Column::SsTicketNumber),
            item: stream(Column::SsSoldItemSk),
            tickets_left: 0,
            ticket: 0,
            items_left: 0,
            date_key: 0,
            position: 0,
        }
    }

    fn next_ticket(&mut self) -> Option<()> {
        if self.tickets_left == 0 {
            self.next_stretch()?;
        } else {
            self.ticket += 1;
        }
        self.tickets_left -= 1;
        self.date_key = generate_sales_date_join_key(&mut self.date);
        self.items_left = items(&mut self.count);
        self.position = RandomValueGenerator::generate_uniform_random_int(1, self.items(), &mut self.item);
        Some(())
    }

    fn next_stretch(&mut self) -> Option<()> {
        let stretch: Stretch = self.sales.passes.first_stretch(&self.rest)?;
        self.rest = stretch.rest(*self.rest.end());
        self.ticket = stretch.first_ticket;
        self.tickets_left = stretch.sources.end() - stretch.sources.start() + 1;
        for stream in [&mut self.date, &mut self.count, &mut self.item] {
            stream.skip_rows(stretch.sources.start() - 1);
        }
        Some(())
    }

    fn items(&self) -> i32 {
        i32::try_from(self.sales.item_order.len()).expect("TPC-DS numbers items with 32 bits")
    }
}

impl Iterator for Keys {
    type Item = Key;

    fn next(&mut self) -> Option<Key> {
        if self.items_left == 0 {
            self.next_ticket()?;
        }
        self.items_left -= 1;
        self.position = if self.position >= self.items() { 1 } else { self.position + 1 };
        let id = get_permutation_entry(&self.sales.item_order, self.position);
        let scaling = self.sales.session.get_scaling();
        let item = match_surrogate_key(i64::from(id), self.date_key, Table::Item, scaling);
        Some(Key { ticket: self.ticket, item: u64::try_from(item).expect("an item's key is positive") })
    }
}

/// How many items the next ticket has.
pub(super) fn items(count: &mut RandomNumberStream) -> i32 {
    RandomValueGenerator::generate_uniform_random_int(8, 16, count)
}

pub(super) fn stream(column: Column) -> RandomNumberStream {
    RandomNumberStream::new_with_column(column.get_global_column_number(), column.get_seeds_per_row())
}
