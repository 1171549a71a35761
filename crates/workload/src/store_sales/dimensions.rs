use std::thread;

use demo_formats::schema::{self, Field, Type};
use tpcdsgen::{
    config::{Session, Table},
    row::{
        CustomerAddressRowGenerator, CustomerRowGenerator, DateDimRowGenerator, HouseholdDemographicsRowGenerator,
        IncomeBandRowGenerator, ItemRowGenerator, PromotionRowGenerator, StoreRowGenerator,
    },
    types::Date,
};

use super::{
    json,
    rows::Rows,
    template::{Dimension, Template, key_in},
};

const ADDRESS: &str =
    "ca_address_sk ca_address_id ca_street_number ca_street_name ca_street_type ca_suite_number ca_city
    ca_county ca_state ca_zip ca_country ca_gmt_offset ca_location_type";
const CUSTOMER: &str = "c_customer_sk c_customer_id c_current_cdemo_sk c_current_hdemo_sk c_current_addr_sk
    c_first_shipto_date_sk c_first_sales_date_sk c_salutation c_first_name c_last_name c_preferred_cust_flag c_birth_day
    c_birth_month c_birth_year c_birth_country c_login c_email_address c_last_review_date_sk";
const CUSTOMER_DEMOGRAPHICS: &str = "cd_demo_sk cd_gender cd_marital_status cd_education_status cd_purchase_estimate
    cd_credit_rating cd_dep_count cd_dep_employed_count cd_dep_college_count";
const DATE: &str =
    "d_date_sk d_date_id d_date d_month_seq d_week_seq d_quarter_seq d_year d_dow d_moy d_dom d_qoy d_fy_year
    d_fy_quarter_seq d_fy_week_seq d_day_name d_quarter_name d_holiday d_weekend d_following_holiday d_first_dom
    d_last_dom d_same_day_ly d_same_day_lq d_current_day d_current_week d_current_month d_current_quarter
    d_current_year";
const HOUSEHOLD_DEMOGRAPHICS: &str = "hd_demo_sk hd_income_band_sk hd_buy_potential hd_dep_count hd_vehicle_count";
/// `income_band`'s row number is its key.
const CUSTOMERS_HOUSEHOLD: &str =
    "hd_demo_sk hd_income_band_sk hd_buy_potential hd_dep_count hd_vehicle_count hd_income_band_sk_row_num";
const INCOME_BAND: &str = "ib_income_band_sk ib_lower_bound ib_upper_bound";
const ITEM: &str = "i_item_sk i_item_id i_rec_start_date i_rec_end_date i_item_desc i_current_price i_wholesale_cost
    i_brand_id i_brand i_class_id i_class i_category_id i_category i_manufact_id i_manufact i_size i_formulation i_color
    i_units i_container i_manager_id i_product_name";
const PROMOTION: &str = "p_promo_sk p_promo_id p_start_date_sk p_end_date_sk p_item_sk p_cost p_response_target
    p_promo_name p_channel_dmail p_channel_email p_channel_catalog p_channel_tv p_channel_radio p_channel_press
    p_channel_event p_channel_demo p_channel_details p_purpose p_discount_active";
const STORE: &str = "s_store_sk s_store_id s_rec_start_date s_rec_end_date s_closed_date_sk s_store_name
    s_number_employees s_floor_space s_hours s_manager s_market_id s_geography_class s_market_desc s_market_manager
    s_division_id s_division_name s_company_id s_company_name s_street_number s_street_name s_street_type
    s_suite_number s_city s_county s_state s_zip s_country s_gmt_offset s_tax_precentage";
const TIME: &str = "t_time_sk t_time_id t_time t_hour t_minute t_second t_am_pm t_shift t_sub_shift t_meal_time";

/// The columns of customers, promotions and stores that hold a date's key.
const CUSTOMER_DATES: [usize; 3] = [5, 6, 17];
const PROMOTION_DATES: [usize; 2] = [2, 3];
const STORE_DATES: [usize; 1] = [4];

/// Everything a sale can point at. What every document copies is rendered; what only a new ticket needs stays as
/// printed rows, a fraction of the size.
pub(super) struct Dimensions {
    addresses: Rows,
    customers: Rows,
    pub(super) dates: Rows,
    pub(super) households: Rows,
    customers_households: Rows,
    pub(super) items: Rows,
    pub(super) promotions: Rows,
    pub(super) stores: Rows,
    address: Template,
    customer: Template,
    customer_demographics: Template,
    time: Template,
}

impl Dimensions {
    pub(super) fn new(session: &Session) -> Self {
        let (customers, rest) = thread::scope(|scope| {
            let customers = scope.spawn(|| printed(session, Table::Customer, CustomerRowGenerator::new));
            let rest = Rest::new(session);
            (customers.join().expect("customers are generated without panicking"), rest)
        });
        rest.joined_with(customers, session)
    }

    /// Appends the address of that key.
    pub(super) fn address(&self, key: i64, out: &mut Vec<u8>) {
        match self.addresses.get(key) {
            Some(row) => self.address.render(row, out, &mut no_joins),
            None => json::null(out),
        }
    }

    /// Appends the customer of that key; `demographics` appends the customer demographics of a key.
    pub(super) fn customer(&self, key: i64, out: &mut Vec<u8>, demographics: &mut dyn FnMut(i64, &mut Vec<u8>)) {
        let Some(row) = self.customers.get(key) else { return json::null(out) };
        self.customer.render(row, out, &mut |dimension, key, out| match dimension {
            Dimension::Address => self.address(key, out),
            Dimension::CustomerDemographics => demographics(key, out),
            Dimension::CustomersHousehold => copy(&self.customers_households, key, out),
            Dimension::Date => copy(&self.dates, key, out),
            Dimension::IncomeBand | Dimension::Item => json::null(out),
        });
    }

    /// Appends a printed row of customer demographics as a struct.
    pub(super) fn customer_demographics(&self, row: &[u8], out: &mut Vec<u8>) {
        self.customer_demographics.render(row, out, &mut no_joins);
    }

    /// Appends a printed row of times of day as a struct.
    pub(super) fn time(&self, row: &[u8], out: &mut Vec<u8>) {
        self.time.render(row, out, &mut no_joins);
    }
}

/// Appends the rendered struct of that key.
pub(super) fn copy(rendered: &Rows, key: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(rendered.get(key).unwrap_or(b"null"));
}

fn no_joins(_: Dimension, _: i64, out: &mut Vec<u8>) {
    json::null(out);
}

/// The printed tables besides customers.
struct Rest {
    addresses: Rows,
    households: Rows,
    income_bands: Rows,
    items: Rows,
    promotions: Rows,
    stores: Rows,
}

impl Rest {
    fn new(session: &Session) -> Self {
        Self {
            addresses: printed(session, Table::CustomerAddress, CustomerAddressRowGenerator::new),
            households: printed(session, Table::HouseholdDemographics, HouseholdDemographicsRowGenerator::new),
            income_bands: printed(session, Table::IncomeBand, IncomeBandRowGenerator::new),
            items: printed(session, Table::Item, ItemRowGenerator::new),
            promotions: printed(session, Table::Promotion, PromotionRowGenerator::new),
            stores: printed(session, Table::Store, StoreRowGenerator::new),
        }
    }

    fn joined_with(self, customers: Rows, session: &Session) -> Dimensions {
        let fields = structs();
        let (first, last) = self.dates(&customers);
        let date = Template::new(fields("ss_date_dim"), DATE, &[]);
        let dates = dates(session, first, last).map(|_, row, out| date.render(row, out, &mut no_joins));
        let item = Template::new(fields("ss_item"), ITEM, &[]);
        let items = self.items.map(|_, row, out| item.render(row, out, &mut no_joins));
        let mut join = |dimension, key, out: &mut Vec<u8>| match dimension {
            Dimension::Date => copy(&dates, key, out),
            Dimension::Item => copy(&items, key, out),
            _ => json::null(out),
        };
        let promotion = Template::new(
            fields("ss_promotion"),
            PROMOTION,
            &[
                ("p_start_date", Dimension::Date, "p_start_date_sk"),
                ("p_end_date", Dimension::Date, "p_end_date_sk"),
                ("p_item", Dimension::Item, "p_item_sk"),
            ],
        );
        let promotions = self.promotions.map(|_, row, out| promotion.render(row, out, &mut join));
        let store = Template::new(fields("ss_store"), STORE, &[("s_closed_date", Dimension::Date, "s_closed_date_sk")]);
        let stores = self.stores.map(|_, row, out| store.render(row, out, &mut join));
        Dimensions {
            households: self.households(fields("ss_household_demographics"), HOUSEHOLD_DEMOGRAPHICS),
            customers_households: self
                .households(nested(fields("ss_customer"), "c_current_household_demographics"), CUSTOMERS_HOUSEHOLD),
            addresses: self.addresses,
            customers,
            dates,
            items,
            promotions,
            stores,
            address: Template::new(fields("ss_customer_address"), ADDRESS, &[]),
            customer: customer_template(fields("ss_customer")),
            customer_demographics: Template::new(fields("ss_customer_demographics"), CUSTOMER_DEMOGRAPHICS, &[]),
            time: Template::new(fields("ss_time_dim"), TIME, &[]),
        }
    }

    fn households(&self, fields: &[Field], columns: &str) -> Rows {
        let band = Template::new(nested(fields, "hd_income_band"), INCOME_BAND, &[]);
        let bands = self.income_bands.map(|_, row, out| band.render(row, out, &mut no_joins));
        let household =
            Template::new(fields, columns, &[("hd_income_band", Dimension::IncomeBand, "hd_income_band_sk")]);
        self.households.map(|_, row, out| {
            let mut row = row.to_vec();
            let band = key_in(&row, 1).map_or_else(String::new, |key| key.to_string());
            row.extend_from_slice(band.as_bytes());
            household.render(&row, out, &mut |_, key, out| copy(&bands, key, out));
        })
    }

    /// The first and the last date that anything points at.
    fn dates(&self, customers: &Rows) -> (i64, i64) {
        let sales = [Date::JULIAN_DATE_MINIMUM, Date::JULIAN_TODAYS_DATE].into_iter().map(i64::from);
        let pointed_at = keys(customers, &CUSTOMER_DATES)
            .chain(keys(&self.promotions, &PROMOTION_DATES))
            .chain(keys(&self.stores, &STORE_DATES));
        sales.chain(pointed_at).fold((i64::MAX, i64::MIN), |(first, last), key| (first.min(key), last.max(key)))
    }
}

fn keys<'a>(rows: &'a Rows, columns: &'a [usize]) -> impl Iterator<Item = i64> + 'a {
    rows.iter().flat_map(move |(_, row)| columns.iter().filter_map(move |column| key_in(row, *column)))
}

fn printed<G: Iterator<Item: std::fmt::Display>>(
    session: &Session,
    table: Table,
    generator: fn(Session, u64) -> G,
) -> Rows {
    Rows::printed(1, generator(session.clone(), session.get_scaling().get_row_count(table)))
}

/// The dates of these keys, which are Julian days; the table's first row is the day after 1900-01-01.
fn dates(session: &Session, first: i64, last: i64) -> Rows {
    let before_first_row = i64::from(Date::new(1900, 1, 1).to_julian_days());
    let row = |key: i64| u64::try_from(key - before_first_row).unwrap_or(1).max(1);
    let mut generator = DateDimRowGenerator::new(session.clone(), session.get_scaling().get_row_count(Table::DateDim));
    generator.set_source_row_range(row(first), row(last));
    Rows::printed(first.max(before_first_row + 1), generator)
}

fn customer_template(fields: &[Field]) -> Template {
    Template::new(
        fields,
        CUSTOMER,
        &[
            ("c_current_address", Dimension::Address, "c_current_addr_sk"),
            ("c_current_customer_demographics", Dimension::CustomerDemographics, "c_current_cdemo_sk"),
            ("c_current_household_demographics", Dimension::CustomersHousehold, "c_current_hdemo_sk"),
            ("c_first_sales_date", Dimension::Date, "c_first_sales_date_sk"),
            ("c_first_shipto_date", Dimension::Date, "c_first_shipto_date_sk"),
            ("c_last_review_date", Dimension::Date, "c_last_review_date_sk"),
        ],
    )
}

fn structs() -> impl Fn(&str) -> &'static [Field] {
    |name| nested(&schema::store_sales().columns, name)
}

fn nested<'a>(fields: &'a [Field], name: &str) -> &'a [Field] {
    match fields.iter().find(|field| field.name == name).map(|field| &field.kind) {
        Some(Type::Struct(fields)) => fields,
        _ => &[],
    }
}
