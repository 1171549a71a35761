use std::sync::LazyLock;

use super::{Field, Schema, Type};

/// The nested TPC-DS `store_sales` document: a sale with every dimension it points at joined in, fields in
/// alphabetical order at every depth. `s_tax_precentage` is TPC-DS's own spelling.
pub fn store_sales() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema { columns: sale() });
    &SCHEMA
}

/// Leaves in short: `name` is text, `name#` a whole number, `name~` a number with decimals.
fn leaves(names: &str) -> Vec<Field> {
    names.split_whitespace().map(leaf).collect()
}

fn leaf(name: &str) -> Field {
    match (name.strip_suffix('#'), name.strip_suffix('~')) {
        (Some(name), _) => Field::new(name, Type::BigInt),
        (_, Some(name)) => Field::new(name, Type::Double),
        _ => Field::new(name, Type::String),
    }
}

fn structure(names: &str, structs: Vec<(&str, Vec<Field>)>) -> Vec<Field> {
    let mut fields = leaves(names);
    fields.extend(structs.into_iter().map(|(name, fields)| Field::new(name, Type::Struct(fields))));
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    fields
}

fn sale() -> Vec<Field> {
    structure(
        "ss_addr_sk# ss_cdemo_sk# ss_coupon_amt~ ss_customer_sk# ss_ext_discount_amt~ ss_ext_list_price~
         ss_ext_sales_price~ ss_ext_tax~ ss_ext_wholesale_cost~ ss_hdemo_sk# ss_item_sk# ss_list_price~ ss_net_paid~
         ss_net_paid_inc_tax~ ss_net_profit~ ss_promo_sk# ss_quantity# ss_sales_price~ ss_sold_time_sk# ss_store_sk#
         ss_ticket_number# ss_wholesale_cost~",
        vec![
            ("ss_customer", customer()),
            ("ss_customer_address", address()),
            ("ss_customer_demographics", customer_demographics()),
            ("ss_date_dim", date()),
            ("ss_household_demographics", household_demographics("")),
            ("ss_item", item()),
            ("ss_promotion", promotion()),
            ("ss_store", store()),
            ("ss_time_dim", time()),
        ],
    )
}

fn customer() -> Vec<Field> {
    structure(
        "c_birth_country c_birth_day# c_birth_month# c_birth_year# c_current_addr_sk# c_current_cdemo_sk#
         c_current_hdemo_sk# c_customer_id c_email_address c_first_name c_first_sales_date_sk# c_first_shipto_date_sk#
         c_last_name c_last_review_date_sk# c_preferred_cust_flag c_salutation",
        vec![
            ("c_current_address", address()),
            ("c_current_customer_demographics", customer_demographics()),
            ("c_current_household_demographics", household_demographics("hd_income_band_sk_row_num#")),
            ("c_first_sales_date", date()),
            ("c_first_shipto_date", date()),
            ("c_last_review_date", date()),
        ],
    )
}

fn address() -> Vec<Field> {
    leaves(
        "ca_address_id ca_city ca_country ca_county ca_gmt_offset~ ca_location_type ca_state ca_street_name
         ca_street_number ca_street_type ca_suite_number ca_zip",
    )
}

fn customer_demographics() -> Vec<Field> {
    leaves(
        "cd_credit_rating cd_dep_college_count# cd_dep_count# cd_dep_employed_count# cd_education_status cd_gender
         cd_marital_status cd_purchase_estimate#",
    )
}

fn household_demographics(more: &str) -> Vec<Field> {
    let names = format!("hd_buy_potential hd_dep_count# hd_income_band_sk# hd_vehicle_count# {more}");
    structure(&names, vec![("hd_income_band", leaves("ib_lower_bound# ib_upper_bound#"))])
}

fn date() -> Vec<Field> {
    leaves(
        "d_current_day d_current_month d_current_quarter d_current_week d_current_year d_date d_date_id d_day_name
         d_dom# d_dow# d_first_dom# d_following_holiday d_fy_quarter_seq# d_fy_week_seq# d_fy_year# d_holiday
         d_last_dom# d_month_seq# d_moy# d_qoy# d_quarter_name d_quarter_seq# d_same_day_lq# d_same_day_ly#
         d_week_seq# d_weekend d_year#",
    )
}

fn item() -> Vec<Field> {
    leaves(
        "i_brand i_brand_id# i_category i_category_id# i_class i_class_id# i_color i_container i_current_price~
         i_formulation i_item_desc i_item_id i_manager_id# i_manufact i_manufact_id# i_product_name i_rec_end_date
         i_rec_start_date i_size i_units i_wholesale_cost~",
    )
}

fn promotion() -> Vec<Field> {
    structure(
        "p_channel_catalog p_channel_demo p_channel_details p_channel_dmail p_channel_email p_channel_event
         p_channel_press p_channel_radio p_channel_tv p_cost~ p_discount_active p_end_date_sk# p_item_sk# p_promo_id
         p_promo_name p_purpose p_response_target# p_start_date_sk#",
        vec![("p_end_date", date()), ("p_item", item()), ("p_start_date", date())],
    )
}

fn store() -> Vec<Field> {
    structure(
        "s_city s_closed_date_sk# s_company_id# s_company_name s_country s_county s_division_id# s_division_name
         s_floor_space# s_geography_class s_gmt_offset~ s_hours s_manager s_market_desc s_market_id# s_market_manager
         s_number_employees# s_rec_end_date s_rec_start_date s_state s_store_id s_store_name s_street_name
         s_street_number s_street_type s_suite_number s_tax_precentage~ s_zip",
        vec![("s_closed_date", date())],
    )
}

fn time() -> Vec<Field> {
    leaves("t_am_pm t_hour# t_meal_time t_minute# t_second# t_shift t_sub_shift t_time# t_time_id")
}
