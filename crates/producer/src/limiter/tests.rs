use rand::{RngExt, SeedableRng, rngs::StdRng};

use super::*;

const MICROSECOND: Duration = Duration::from_micros(1);

/// What was taken, and when.
struct Taken {
    at: Instant,
    bytes: usize,
}

/// Takes at any moment, of any size, with refusals in between.
fn any_schedule(seed: u64) -> Vec<Taken> {
    let (mut rng, mut now) = (StdRng::seed_from_u64(seed), Instant::now());
    let (mut limiter, mut taken) = (Limiter::new(now), Vec::new());
    let longest_pause = rng.random_range(0.0001..0.1_f64);
    let largest = [200, 3_000, 30_000, 400_000, 10 << 20][rng.random_range(0..5)];
    let refused = rng.random_range(0.0..0.02);
    for _ in 0..250 {
        now += match rng.random_bool(0.3) {
            true => Duration::ZERO,
            false => Duration::from_secs_f64(rng.random_range(0.0..longest_pause)),
        };
        let bytes = rng.random_range(1..=largest);
        if rng.random_bool(refused) {
            limiter.throttled(now);
        }
        let ready_at = limiter.ready_at(bytes, now);
        assert!(ready_at >= now);
        assert!(limiter.clone().try_take(bytes, ready_at), "seed {seed}: not ready when it said");
        if ready_at > now + MICROSECOND {
            assert!(!limiter.clone().try_take(bytes, ready_at - MICROSECOND), "seed {seed}: ready before it said");
        }
        if rng.random_bool(0.5) {
            now = ready_at;
        }
        if limiter.try_take(bytes, now) {
            taken.push(Taken { at: now, bytes });
        }
    }
    taken
}

#[test]
fn no_time_sees_more_than_the_limit_and_one_burst() {
    for seed in 0..100 {
        let taken = any_schedule(seed);
        assert!(taken.len() > 10, "seed {seed}");
        for (first, from) in taken.iter().enumerate() {
            let (mut records, mut bytes) = (0.0, 0.0);
            for to in &taken[first..] {
                records += 1.0;
                bytes += to.bytes as f64;
                let seconds = to.at.duration_since(from.at).as_secs_f64() * WHOLE + BURST + 1e-6;
                // The last one may leave a debt.
                let most_bytes =
                    (seconds * BYTES_PER_SECOND).max((seconds - BURST) * BYTES_PER_SECOND + to.bytes as f64);
                assert!(records <= seconds * RECORDS_PER_SECOND, "seed {seed}: {records} in {seconds} s");
                assert!(bytes <= most_bytes, "seed {seed}: {bytes} bytes in {seconds} s");
            }
        }
    }
}

#[test]
fn who_asks_when_it_is_ready_uses_all_of_it() {
    for (bytes, limit) in
        [(200, 1_000.0), (1_048, 1_000.0), (5_000, 209.7), (51_200, 20.48), (300_000, 3.495), (1 << 20, 1.0)]
    {
        let start = Instant::now();
        let (mut limiter, mut now, mut taken) = (Limiter::new(start), start, 0.0);
        while now < start + Duration::from_secs(100) {
            now = limiter.ready_at(bytes, now);
            assert!(limiter.try_take(bytes, now));
            taken += 1.0;
        }
        let used = (taken - 1.0) / limit / now.duration_since(start).as_secs_f64();
        assert!((0.989..1.0).contains(&used), "{bytes} bytes: {used}");
    }
}

#[test]
fn time_without_records_is_not_saved_up() {
    let start = Instant::now();
    let mut limiter = Limiter::new(start);
    for seconds in [0, 1, 3_600, 1_000_000] {
        let now = start + Duration::from_secs(seconds);
        let at_once = (0..100).filter(|_| limiter.try_take(1, now)).count();
        assert_eq!(at_once, 10, "after {seconds} s");
    }
}

#[test]
fn many_refusals_at_once_tell_one_thing() {
    let start = Instant::now();
    let mut limiter = Limiter::new(start);
    assert_eq!(limiter.share(), WHOLE);
    for milliseconds in 0..100 {
        limiter.throttled(start + Duration::from_millis(milliseconds));
    }
    assert!((limiter.share() - WHOLE * DECREASE).abs() < 0.001, "{}", limiter.share());
    limiter.throttled(start + ONE_REFUSAL);
    assert!((limiter.share() - WHOLE * DECREASE * DECREASE).abs() < 0.001, "{}", limiter.share());
}

#[test]
fn a_refusal_takes_what_was_saved_up() {
    let now = Instant::now();
    let mut limiter = Limiter::new(now);
    limiter.throttled(now);
    assert!(!limiter.try_take(1, now));
    assert!(limiter.ready_at(1, now) > now + MICROSECOND);
}

#[test]
fn the_whole_pace_comes_back_with_time_and_is_never_given_up() {
    let mut now = Instant::now();
    let mut limiter = Limiter::new(now);
    for _ in 0..1_000 {
        now += ONE_REFUSAL;
        limiter.throttled(now);
    }
    assert!((LEAST..2.0 * LEAST).contains(&limiter.share()), "{}", limiter.share());
    let ready = limiter.ready_at(100, now);
    assert!(ready < now + Duration::from_millis(200));
    now += Duration::from_secs(14);
    limiter.try_take(100, now);
    assert_eq!(limiter.share(), WHOLE);
}

/// A shard of which somebody else takes a part, in one of the two ways in which it may count.
struct Shard {
    a_second: f64,
    counting: Counting,
}

enum Counting {
    /// A bucket that holds a second's worth.
    Bucket { tokens: f64, at: f64 },
    /// So many in each second of the clock.
    Windows { second: u64, used: f64 },
}

impl Shard {
    fn takes(&mut self, at: f64) -> bool {
        match &mut self.counting {
            Counting::Bucket { tokens, at: last } => {
                *tokens = (*tokens + (at - *last) * self.a_second).min(self.a_second);
                *last = at;
                *tokens >= 1.0 && {
                    *tokens -= 1.0;
                    true
                }
            }
            Counting::Windows { second, used } => {
                if *second != at as u64 {
                    (*second, *used) = (at as u64, 0.0);
                }
                *used < self.a_second && {
                    *used += 1.0;
                    true
                }
            }
        }
    }
}

const SECONDS: usize = 40;

/// Records accepted and refused in each second, as one who sends whenever it may and hears of it 5 to 20 ms later.
fn drive(mut shard: Shard, seed: u64) -> Vec<(u32, u32)> {
    let (mut rng, start) = (StdRng::seed_from_u64(seed), Instant::now());
    let (mut limiter, mut told) = (Limiter::new(start), vec![(0, 0); SECONDS + 1]);
    let (mut arriving, mut answers) = (Vec::new(), Vec::new());
    for millisecond in 0..SECONDS * 1_000 {
        let now = millisecond as f64 / 1_000.0;
        arriving.sort_by(|a: &f64, b| b.total_cmp(a));
        while let Some(at) = arriving.pop_if(|at| *at <= now) {
            let is_taken = shard.takes(at);
            let second = &mut told[at as usize];
            *(if is_taken { &mut second.0 } else { &mut second.1 }) += 1;
            answers.push((at + rng.random_range(0.0025..0.01), is_taken));
        }
        let instant = start + Duration::from_secs_f64(now);
        for (_, is_taken) in answers.extract_if(.., |(at, _)| *at <= now) {
            if !is_taken {
                limiter.throttled(instant);
            }
        }
        while limiter.try_take(200, instant) {
            arriving.push(now + rng.random_range(0.0025..0.01));
        }
    }
    told.truncate(SECONDS);
    told
}

/// How much of what was left is used, and which part is refused, from second `from` on.
fn rates(told: &[(u32, u32)], from: usize, a_second: f64) -> (f64, f64) {
    let (taken, refused) =
        told[from..].iter().fold((0.0, 0.0), |sum, told| (sum.0 + f64::from(told.0), sum.1 + f64::from(told.1)));
    (taken / a_second / (told.len() - from) as f64, refused / (taken + refused))
}

fn both_ways(a_second: f64) -> [Shard; 2] {
    let bucket = Counting::Bucket { tokens: a_second, at: 0.0 };
    let windows = Counting::Windows { second: 0, used: 0.0 };
    [bucket, windows].map(|counting| Shard { a_second, counting })
}

#[test]
fn alone_at_a_shard_it_is_hardly_refused() {
    for (seed, shard) in both_ways(1_000.0).into_iter().enumerate() {
        let (used, refused) = rates(&drive(shard, seed as u64), 10, 1_000.0);
        assert!(used > 0.98 && refused < 0.001, "{used} used, {refused} refused");
    }
}

#[test]
fn beside_another_it_finds_what_is_left() {
    for (seed, shard) in both_ways(500.0).into_iter().enumerate() {
        let told = drive(shard, seed as u64);
        let first: u32 = told[..3].iter().map(|second| second.1).sum();
        assert!(first < 500, "{first} refused in the first three seconds");
        let (used, refused) = rates(&told, 3, 500.0);
        assert!(used > 0.95 && refused < 0.015, "{used} used, {refused} refused");
    }
}

#[test]
fn what_somebody_leaves_is_taken_up_within_seconds() {
    let mut now = Instant::now();
    let mut limiter = Limiter::new(now);
    while limiter.share() > 0.5 {
        now += ONE_REFUSAL;
        limiter.throttled(now);
    }
    now += Duration::from_secs(10);
    limiter.try_take(1, now);
    assert!(limiter.share() > 0.95, "{}", limiter.share());
}
