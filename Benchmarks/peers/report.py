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
    "container": "Cloister, container: new tenant's first answer", "gvisor": "Cloister, gvisor: new tenant's first answer",
    "rie": "aws-lambda-rie: first answer of a new process", "crun run": "crun run, interpreter with -c pass",
    "runsc run": "runsc run, interpreter with -c pass",
}


def cold_table(result):
    lines = [
        "## Cold starts", "", "| | ms | init ms | handler ms | rest ms |", "| --- | --- | --- | --- | --- |"]
    for name, measured in result["cold"].items():
        times, parts = measured["milliseconds"], measured["parts"]
        cells = ["–", "–", "–"]
        whole = [(took, part) for took, part in zip(times, parts) if "init" in part and "handler" in part]
        if whole:
            cells = [
                spread([part["init"] for _, part in whole], 1), spread([part["handler"] for _, part in whole], 1),
                spread([took - part["init"] - part["handler"] for took, part in whole], 1)]
        lines.append(f"| {COLD_TITLES.get(name, name)} | {spread(times, 1)} | " + " | ".join(cells) + " |")
    return lines + [""]


def markdown(result):
    about = result["machine"]
    lines = [
        "# Benchmark", "",
        f"{result['startedAt']}, {about['cpu']}, {about['cores']} cores, Linux {about['kernel']}; {result['rounds']} interleaved "
        f"rounds of {result['requests']} requests" + (" (quick: for a look only)" if result["quick"] else "") + ".",
        "Each figure is the median over the rounds, with the least and the most in brackets: that is this machine's noise. "
        "Ratios are taken within each round.", "",
    ]
    if about["loadAverage"] > 0.5:
        lines += [f"**The machine was busy before the run began (load average {about['loadAverage']}): don't quote this.**", ""]
    lines += ["## Warm invocations", ""]
    for concurrency, rounds in result["warm"].items():
        lines += warm_table(result, concurrency, rounds)
    return "\n".join(lines + cold_table(result))
