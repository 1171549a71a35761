use std::{
    ops::{Range, RangeInclusive},
    sync::Arc,
};

use tpcdsgen::{
    config::Table,
    generator::StoreSalesGeneratorColumn as Column,
    random::RandomNumberStream,
    row::{CustomerDemographicsRowGenerator, StoreSalesRow, StoreSalesRowGenerator, TimeDimRowGenerator},
    types::Decimal,
};

use super::{StoreSales, dimensions::copy, json, keys, rows::print_row};
use crate::Key;

/// A pass over documents.
pub struct Documents {
    sales: Arc<StoreSales>,
    rest: RangeInclusive<u64>,
    rows: StoreSalesRowGenerator,
    /// The draw of `rows` that decides how many items a ticket has.
    counts: RandomNumberStream,
    /// Of the stretch that `rows` is in.
    tickets_left: u64,
    /// Of the ticket that `rows` is in.
    items_left: i32,
    /// Ticket number less source ticket, of that stretch.
    shift: u64,
    ticket: Ticket,
}

impl Documents {
    pub(super) fn new(sales: Arc<StoreSales>, tickets: RangeInclusive<u64>) -> Self {
        let ticket = Ticket::new(&sales);
        let rows = StoreSalesRowGenerator::new(sales.session.clone(), sales.passes.tickets);
        let counts = keys::stream(Column::SsTicketNumber);
        Self { sales, rest: tickets, rows, counts, tickets_left: 0, items_left: 0, shift: 0, ticket }
    }

    /// Goes on with other tickets once all of the present ones are made: sooner than a new pass begins, which orders all
    /// items anew.
    pub fn go_on(&mut self, tickets: RangeInclusive<u64>) {
        debug_assert_eq!((self.tickets_left, self.items_left), (0, 0), "a ticket is not made to its end");
        self.rest = tickets;
    }

    /// Appends the next document, one line of JSON ending in a newline, to `out`; `None` at the range's end.
    pub fn next_into(&mut self, out: &mut Vec<u8>) -> Option<Key> {
        let row = self.next_row()?;
        self.ticket.enter(&row, &self.sales);
        let source = u64::try_from(row.get_ss_ticket_number()).expect("a ticket number is positive");
        let item = u64::try_from(row.get_ss_sold_item_sk()).expect("an item's key is positive");
        let key = Key { ticket: source.wrapping_add(self.shift), item };
        write(&row, key, &self.ticket, &self.sales, out);
        Some(key)
    }

    fn next_row(&mut self) -> Option<StoreSalesRow> {
        if self.items_left == 0 {
            if self.tickets_left == 0 {
                self.next_stretch()?;
            }
            self.tickets_left -= 1;
            self.items_left = keys::items(&mut self.counts);
        }
        self.items_left -= 1;
        Some(self.rows.next().expect("a pass has every ticket of its stretches"))
    }

    fn next_stretch(&mut self) -> Option<()> {
        let stretch = self.sales.passes.first_stretch(&self.rest)?;
        let (first, last) = (*stretch.sources.start(), *stretch.sources.end());
        self.rest = stretch.rest(*self.rest.end());
        self.shift = stretch.first_ticket.wrapping_sub(first);
        self.tickets_left = last - first + 1;
        self.rows.skip_rows_until_starting_row_number(first);
        self.counts.skip_rows(first - 1);
        Some(())
    }
}

/// The structs that all documents of one ticket share, rendered once.
struct Ticket {
    source: i64,
    text: Vec<u8>,
    customer: Range<usize>,
    address: Range<usize>,
    demographics: Range<usize>,
    time: Range<usize>,
    demographics_rows: CustomerDemographicsRowGenerator,
    time_rows: TimeDimRowGenerator,
    line: String,
}

impl Ticket {
    fn new(sales: &StoreSales) -> Self {
        let session = &sales.session;
        let count = |table| session.get_scaling().get_row_count(table);
        Self {
            source: 0,
            text: Vec::new(),
            customer: 0..0,
            address: 0..0,
            demographics: 0..0,
            time: 0..0,
            demographics_rows: CustomerDemographicsRowGenerator::new(
                session.clone(),
                count(Table::CustomerDemographics),
            ),
            time_rows: TimeDimRowGenerator::new(session.clone(), count(Table::TimeDim)),
            line: String::new(),
        }
    }

    fn enter(&mut self, row: &StoreSalesRow, sales: &StoreSales) {
        if self.source == row.get_ss_ticket_number() {
            return;
        }
        self.source = row.get_ss_ticket_number();
        let Self { text, demographics_rows, time_rows, line, .. } = self;
        text.clear();
        let mut demographics = |key: i64, out: &mut Vec<u8>| {
            demographics_rows.skip_rows_until_starting_row_number(row_number(key));
            match demographics_rows.next() {
                Some(row) => {
                    print_row(&row, line);
                    sales.dimensions.customer_demographics(line.as_bytes(), out);
                }
                None => json::null(out),
            }
        };
        self.customer = part(text, |out| {
            sales.dimensions.customer(row.get_ss_sold_customer_sk(), out, &mut demographics);
        });
        self.demographics = part(text, |out| demographics(row.get_ss_sold_cdemo_sk(), out));
        self.address = part(text, |out| sales.dimensions.address(row.get_ss_sold_addr_sk(), out));
        // Times are numbered from 0, rows from 1.
        time_rows.skip_rows_until_starting_row_number(row_number(row.get_ss_sold_time_sk() + 1));
        self.time = part(text, |out| match time_rows.next() {
            Some(row) => {
                print_row(&row, line);
                sales.dimensions.time(line.as_bytes(), out);
            }
            None => json::null(out),
        });
    }

    fn text(&self, part: &Range<usize>) -> &[u8] {
        &self.text[part.clone()]
    }
}

fn part(text: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
    let start = text.len();
    write(text);
    start..text.len()
}

fn row_number(key: i64) -> u64 {
    u64::try_from(key).unwrap_or(u64::MAX)
}

/// A sale's nullable values. A foreign key is NULL where its bit is set or it is -1; its struct is then null too.
struct Sale<'a> {
    row: &'a StoreSalesRow,
    out: &'a mut Vec<u8>,
}

impl Sale<'_> {
    fn key(&self, column: Column, key: i64) -> Option<i64> {
        (!self.is_null(column) && key != -1).then_some(key)
    }

    fn is_null(&self, column: Column) -> bool {
        // The columns' order is that of the bits.
        self.row.null_bit_map() >> (column as u32) & 1 == 1
    }

    fn money(&mut self, lead: &[u8], column: Column, value: Decimal) {
        self.out.extend_from_slice(lead);
        if self.is_null(column) {
            json::null(self.out);
        } else {
            let places = usize::try_from(value.get_precision()).unwrap_or(0);
            json::decimal(value.get_number(), places, self.out);
        }
    }

    fn integer(&mut self, lead: &[u8], value: Option<i64>) {
        self.out.extend_from_slice(lead);
        match value {
            Some(value) => json::integer(value, self.out),
            None => json::null(self.out),
        }
    }

    fn structure(&mut self, lead: &[u8], key: Option<i64>, write: impl FnOnce(i64, &mut Vec<u8>)) {
        self.out.extend_from_slice(lead);
        match key {
            Some(key) => write(key, self.out),
            None => json::null(self.out),
        }
    }

    fn shared(&mut self, lead: &[u8], key: Option<i64>, text: &[u8]) {
        self.structure(lead, key, |_, out| out.extend_from_slice(text));
    }
}

/// A document, its columns in the schema's order.
fn write(row: &StoreSalesRow, key: Key, ticket: &Ticket, sales: &StoreSales, out: &mut Vec<u8>) {
    let dimensions = &sales.dimensions;
    let pricing = row.get_ss_pricing();
    let mut sale = Sale { row, out };
    let address = sale.key(Column::SsSoldAddrSk, row.get_ss_sold_addr_sk());
    let customer = sale.key(Column::SsSoldCustomerSk, row.get_ss_sold_customer_sk());
    let date = sale.key(Column::SsSoldDateSk, row.get_ss_sold_date_sk());
    let demographics = sale.key(Column::SsSoldCdemoSk, row.get_ss_sold_cdemo_sk());
    let household = sale.key(Column::SsSoldHdemoSk, row.get_ss_sold_hdemo_sk());
    let item = row.get_ss_sold_item_sk();
    let promotion = sale.key(Column::SsSoldPromoSk, row.get_ss_sold_promo_sk());
    let quantity = sale.key(Column::SsPricingQuantity, i64::from(pricing.get_quantity()));
    let store = sale.key(Column::SsSoldStoreSk, row.get_ss_sold_store_sk());
    let time = sale.key(Column::SsSoldTimeSk, row.get_ss_sold_time_sk());
    let coupon = pricing.get_coupon_amount();

    sale.integer(b"{\"ss_addr_sk\":", address);
    sale.integer(b",\"ss_cdemo_sk\":", demographics);
    sale.money(b",\"ss_coupon_amt\":", Column::SsPricingCouponAmt, coupon);
    sale.shared(b",\"ss_customer\":", customer, ticket.text(&ticket.customer));
    sale.shared(b",\"ss_customer_address\":", address, ticket.text(&ticket.address));
    sale.shared(b",\"ss_customer_demographics\":", demographics, ticket.text(&ticket.demographics));
    sale.integer(b",\"ss_customer_sk\":", customer);
    sale.structure(b",\"ss_date_dim\":", date, |key, out| copy(&dimensions.dates, key, out));
    // TPC-DS's own data generator writes the coupon amount here, too.
    sale.money(b",\"ss_ext_discount_amt\":", Column::SsPricingCouponAmt, coupon);
    sale.money(b",\"ss_ext_list_price\":", Column::SsPricingExtListPrice, pricing.get_ext_list_price());
    sale.money(b",\"ss_ext_sales_price\":", Column::SsPricingExtSalesPrice, pricing.get_ext_sales_price());
    sale.money(b",\"ss_ext_tax\":", Column::SsPricingExtTax, pricing.get_ext_tax());
    sale.money(b",\"ss_ext_wholesale_cost\":", Column::SsPricingExtWholesaleCost, pricing.get_ext_wholesale_cost());
    sale.integer(b",\"ss_hdemo_sk\":", household);
    sale.structure(b",\"ss_household_demographics\":", household, |key, out| copy(&dimensions.households, key, out));
    sale.structure(b",\"ss_item\":", Some(item), |key, out| copy(&dimensions.items, key, out));
    sale.integer(b",\"ss_item_sk\":", Some(item));
    sale.money(b",\"ss_list_price\":", Column::SsPricingListPrice, pricing.get_list_price());
    sale.money(b",\"ss_net_paid\":", Column::SsPricingNetPaid, pricing.get_net_paid());
    sale.money(b",\"ss_net_paid_inc_tax\":", Column::SsPricingNetPaidIncTax, pricing.get_net_paid_including_tax());
    sale.money(b",\"ss_net_profit\":", Column::SsPricingNetProfit, pricing.get_net_profit());
    sale.integer(b",\"ss_promo_sk\":", promotion);
    sale.structure(b",\"ss_promotion\":", promotion, |key, out| copy(&dimensions.promotions, key, out));
    sale.integer(b",\"ss_quantity\":", quantity);
    sale.money(b",\"ss_sales_price\":", Column::SsPricingSalesPrice, pricing.get_sales_price());
    sale.integer(b",\"ss_sold_time_sk\":", time);
    sale.structure(b",\"ss_store\":", store, |key, out| copy(&dimensions.stores, key, out));
    sale.integer(b",\"ss_store_sk\":", store);
    sale.integer(b",\"ss_ticket_number\":", i64::try_from(key.ticket).ok());
    sale.shared(b",\"ss_time_dim\":", time, ticket.text(&ticket.time));
    sale.money(b",\"ss_wholesale_cost\":", Column::SsPricingWholesaleCost, pricing.get_wholesale_cost());
    sale.out.extend_from_slice(b"}\n");
}
