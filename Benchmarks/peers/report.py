"""Tables out of the measurements: medians over rounds, with the least and the most as this machine's noise."""

import os
import platform
import statistics


def machine():
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {"cpu": model, "cores": os.cpu_count(), "kernel": platform.release(), "loadAverage": round(os.getloadavg()[0], 1)}


def spread(values, digits=0):
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({least:,.{digits}f}–{most:,.{digits}f})"


def ratios(rounds, name, base, key):
    """The ratio in each round, whose two measurements lie next to each other in time."""
    if name == base or base not in rounds or name not in rounds:
        return None
    pairs = zip(rounds[name], rounds[base])
    return [mine[key] / theirs[key] for mine, theirs in pairs if theirs[key] > 0]


def ratio_text(values):
    return "–" if not values else spread(values, 2)


def warm_table(result, concurrency, rounds):
    lines = [
        f"### Concurrency {concurrency}", "",
        "| | p50 µs | p90 µs | p99 µs | a second | p50 ÷ emulator | p50 ÷ floor | a second ÷ floor |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, done in rounds.items():
        def column(key):
            return spread([one[key] for one in done])
        lines.append("| " + " | ".join([
            result["titles"][name], column("p50Microseconds"), column("p90Microseconds"), column("p99Microseconds"),
            column("perSecond"), ratio_text(ratios(rounds, name, "rie", "p50Microseconds")),
            ratio_text(ratios(rounds, name, "floor", "p50Microseconds")),
            ratio_text(ratios(rounds, name, "floor", "perSecond")),
        ]) + " |")
    return lines + [""]


COLD_TITLES = {
    "rie": "aws-lambda-rie: first answer of a new process", "crun run": "crun run, interpreter with -c pass",
    "runsc run": "runsc run, interpreter with -c pass",
}


def cold_title(name):
    if name in COLD_TITLES:
        return COLD_TITLES[name]
    level, *rest = name.split(", ")
    way = "started for it" if "plain" in rest else "from the pool"
    return f"Cloister, {level}, {way}: " + ("imports boto3" if "boto3" in rest else "hello")


def cold_table(result):
    lines = [
        "## Cold starts", "",
        "| | p50 ms | p99 ms | until its module is imported | import | handler and back |",
        "| --- | --- | --- | --- | --- | --- |"]
    bursts = {name: measured for name, measured in result["cold"].items() if name.endswith("burst")}
    for name, measured in result["cold"].items():
        if name in bursts:
            continue
        times, parts = measured["milliseconds"], measured["parts"]
        cells = [spread([part[key] for part in parts], 1) if parts else "–" for key in ("start", "import", "rest")]
        lines.append(f"| {cold_title(name)} | {spread(times, 1)} | {percentile(times, 99):,.1f} | " + " | ".join(cells) + " |")
    if bursts:
        lines += [
            "", "### Many new tenants within one second", "",
            "| | answered | p50 ms | p99 ms | memory of an idle environment, MiB (PSS) |", "| --- | --- | --- | --- | --- |"]
    for name, measured in bursts.items():
        times, idle = measured["milliseconds"], measured["idleMiB"]
        lines.append(
            f"| Cloister, {name.removesuffix(', burst')} | {len(times)} of {measured['tenants']} | {spread(times, 1)} | {percentile(times, 99):,.1f} | "
            + (spread(idle, 1) if idle else "–") + " |")
    return lines + [""]


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def markdown(result):
    about = result["machine"]
    lines = [
        "# Benchmark", "",
        f"{result['startedAt']}, {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; {result['rounds']} interleaved "
        f"rounds of {result['requests']} requests" + (" (quick: for a look only)" if result["quick"] else "") + ".",
        "Each figure is the median over the rounds, with the least and the most in brackets: that is this machine's noise. "
        "Ratios are taken within each round. The floor and the emulator run "
        + ("the stock runtime client." if result["client"] == "stock" else "the runtime client as the image starts it."), "",
    ]
    if about["loadAverage"] > 0.5:
        lines += [f"**The machine was busy before the run began (load average {about['loadAverage']}): don't quote this.**", ""]
    lines += ["## Warm invocations", ""]
    for concurrency, rounds in result["warm"].items():
        lines += warm_table(result, concurrency, rounds)
    return "\n".join(lines + cold_table(result))
