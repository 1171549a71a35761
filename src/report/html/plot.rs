//! Plots as SVG. Their colors are tokens for which the page's style has values, in light and dark.

use std::ops::Range;

use plotters::{
    chart::{ChartBuilder, ChartContext},
    coord::{Shift, cartesian::Cartesian2d, types::RangedCoordf64},
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea},
    element::{PathElement, Rectangle},
    prelude::SVGBackend,
    series::LineSeries,
    style::{Color, IntoFont, RGBColor},
};

/// Width and height of a plot; the page scales it.
const SIZE: (u32, u32) = (860, 250);
const INK: RGBColor = RGBColor(0x44, 0x44, 0x44);
const GRID: RGBColor = RGBColor(0xDD, 0xDD, 0xDD);
const MARK: RGBColor = RGBColor(0x99, 0x99, 0x99);
/// By Okabe and Ito, for people who see fewer colors as well. `page.css` names the same.
const COLORS: [RGBColor; 4] =
    [RGBColor(0x00, 0x72, 0xB2), RGBColor(0xD5, 0x5E, 0x00), RGBColor(0x00, 0x9E, 0x73), RGBColor(0x8E, 0x4A, 0x9E)];
/// Milliseconds: what is less is drawn as this.
const LEAST: f64 = 0.1;
/// Seconds: a shorter axis is written in tenths.
const SHORT: f64 = 10.0;
/// Above the highest value.
const HEADROOM: f64 = 1.08;

/// A plot that cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[error("cannot draw the plot of {title}: {why}")]
pub struct PlotError {
    title: String,
    why: String,
}

/// Values over time.
pub(super) struct Line {
    pub(super) name: String,
    /// Drawn wider, to be seen below a line that is like it.
    pub(super) is_wide: bool,
    /// Pieces, each without a gap: seconds and values.
    pub(super) pieces: Vec<Vec<(f64, f64)>>,
}

/// How values become heights.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    Linear,
    /// By their powers of ten, for values that are all more than zero.
    Logarithmic,
}

/// Lines over the seconds of a run.
pub(super) struct Plot<'a> {
    pub(super) title: &'a str,
    pub(super) lines: Vec<Line>,
    /// When something was done to the load.
    pub(super) marks: &'a [f64],
    pub(super) scale: Scale,
    /// A value with its unit.
    pub(super) label: fn(f64) -> String,
}

impl Plot<'_> {
    /// A figure with its legend; nothing where there is no value.
    pub(super) fn figure(&self) -> Result<String, PlotError> {
        let values = || self.lines.iter().flat_map(|line| line.pieces.iter().flatten());
        let Some(first) = values().map(|(x, _)| *x).reduce(f64::min) else { return Ok(String::new()) };
        let end = values().fold(1.0_f64, |end, (x, _)| end.max(*x));
        // What begins late has a plot of its own time.
        let begin = if first > end / 2.0 { first } else { 0.0 };
        let mut svg = String::new();
        self.draw(&mut svg, begin..end.max(begin + 1.0)).map_err(|error| failed(self.title, &error))?;
        let legend: String = self.lines.iter().enumerate().map(|(n, line)| legend(n, &line.name)).collect();
        Ok(figure(self.title, &svg, &legend))
    }

    fn draw(&self, svg: &mut String, time: Range<f64>) -> Result<(), Failure> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let (height, heights) = (|y: f64| self.scale.height(y), self.heights());
        let (scale, label) = (self.scale, self.label);
        let label = move |y: f64| scale.label(y, label);
        let decimals = usize::from(time.end - time.start < SHORT);
        let seconds = move |x: f64| format!("{x:.decimals$} s");
        let mut chart = axes(&root, (time.clone(), &seconds), (heights.clone(), &label))?;
        for mark in self.marks.iter().filter(|mark| time.contains(mark)) {
            let ends = vec![(*mark, heights.start), (*mark, heights.end)];
            chart.draw_series([PathElement::new(ends, MARK.stroke_width(1))])?;
        }
        for (n, line) in self.lines.iter().enumerate() {
            let width = if line.is_wide { 6 } else { 2 };
            for piece in &line.pieces {
                let points = piece.iter().map(|(x, y)| (*x, height(*y)));
                chart.draw_series(LineSeries::new(points, COLORS[n % COLORS.len()].stroke_width(width)))?;
            }
        }
        root.present()
    }

    fn heights(&self) -> Range<f64> {
        let values =
            self.lines.iter().flat_map(|line| line.pieces.iter().flatten()).map(|(_, y)| self.scale.height(*y));
        let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), y| (least.min(y), most.max(y)));
        match self.scale {
            Scale::Linear if most > 0.0 => 0.0..most * HEADROOM,
            Scale::Linear => 0.0..1.0,
            Scale::Logarithmic => least.floor()..most.ceil().max(least.floor() + 1.0),
        }
    }
}

impl Scale {
    fn height(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => value.max(LEAST).log10(),
        }
    }

    /// Between powers of ten, nothing is written.
    fn label(self, height: f64, label: fn(f64) -> String) -> String {
        match self {
            Self::Linear => label(height),
            Self::Logarithmic if (height - height.round()).abs() > 0.01 => String::new(),
            Self::Logarithmic => label(10_f64.powf(height.round())),
        }
    }
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
/// From where to where an axis goes, and how its values are written.
type Axis<'a> = (Range<f64>, &'a dyn Fn(f64) -> String);

/// An empty chart.
fn axes<'a>(root: &Area<'a>, across: Axis<'_>, up: Axis<'_>) -> Result<Chart<'a>, Failure> {
    let mut builder = ChartBuilder::on(root);
    builder.margin(8).margin_right(24).x_label_area_size(26).y_label_area_size(72);
    let mut chart = builder.build_cartesian_2d(across.0, up.0)?;
    let mut mesh = chart.configure_mesh();
    mesh.disable_x_mesh().bold_line_style(GRID).light_line_style(GRID.mix(0.0)).axis_style(INK);
    mesh.label_style(("sans-serif", 13).into_font().color(&INK)).x_labels(9).y_labels(5);
    mesh.x_label_formatter(&|x| across.1(*x)).y_label_formatter(&|y| up.1(*y)).draw()?;
    Ok(chart)
}

type Failure = DrawingAreaErrorKind<<SVGBackend<'static> as plotters::backend::DrawingBackend>::ErrorType>;

/// A bar for each value, and a line at their mean.
pub(super) fn bars(title: &str, values: &[u64], label: fn(f64) -> String) -> Result<String, PlotError> {
    let top = values.iter().copied().max().unwrap_or_default() as f64;
    if top == 0.0 {
        return Ok(String::new());
    }
    let mut svg = String::new();
    draw_bars(&mut svg, values, top * HEADROOM, label).map_err(|error| failed(title, &error))?;
    Ok(figure(title, &svg, &format!("{}{}", legend(0, "documents of a shard"), legend(1, "mean"))))
}

fn draw_bars(svg: &mut String, values: &[u64], top: f64, label: fn(f64) -> String) -> Result<(), Failure> {
    let (count, mean) = (values.len() as f64, values.iter().sum::<u64>() as f64 / values.len() as f64);
    let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    let mut chart = axes(&root, (0.0..count, &|x| format!("{x:.0}")), (0.0..top, &label))?;
    chart.draw_series(values.iter().enumerate().map(|(n, value)| {
        let (left, width) = (n as f64, if values.len() > 100 { 1.0 } else { 0.8 });
        Rectangle::new([(left, 0.0), (left + width, *value as f64)], COLORS[0].filled())
    }))?;
    chart.draw_series([PathElement::new(vec![(0.0, mean), (count, mean)], COLORS[1].stroke_width(2))])?;
    root.present()
}

fn failed(title: &str, error: &Failure) -> PlotError {
    PlotError { title: title.to_owned(), why: error.to_string() }
}

fn legend(n: usize, name: &str) -> String {
    format!("<span class=\"c{}\">{}</span>", n % COLORS.len(), super::escaped(name))
}

fn figure(title: &str, svg: &str, legend: &str) -> String {
    let (title, svg) = (super::escaped(title), svg.replacen("<svg ", "<svg role=\"img\" ", 1));
    format!("<figure><figcaption>{title}</figcaption>\n{svg}<p class=\"legend\">{legend}</p></figure>\n")
}
