"""Which network fits which arena, at what accuracy: the network is searched together with its schedule.

Each trial chooses a network, plans it without training it (``tflm_msf.estimate``) and trains it on scikit-learn's
digits. The same search runs three times, with all schedules, with layer-by-layer memory and with one patched head as in
MCUNetV2, at the same number of trials and from the same seed. What is stopped goes on where it was.

    pip install '.[models]' optuna
    python samples/codesign/study.py                # the study of this directory's pictures
    python samples/codesign/study.py --tiny -o out  # does it run?
"""

from __future__ import annotations

import json
import logging
import multiprocessing
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import click
import optuna
from space import Architecture, choose, layers_of
from training import train

import tflm_msf

SPACES = ("full", "mcunetv2", "layerwise")
SEEDS_APART = 10_000
"""More than a study has trials, each of which takes the next seed."""

HERE = Path(__file__).parent


class Settings(NamedTuple):
    """How much is searched: trials of each space, of which the first are random, and epochs of each training."""

    trials: int
    random: int
    epochs: int


FULL, TINY = Settings(16, 10, 5), Settings(2, 2, 3)


class Found(NamedTuple):
    """A trial: bytes of arena, share of test images told right, and the network."""

    arena: int
    accuracy: float
    macs: int
    network: dict[str, Any]


def study_of(space: str, storage: str) -> optuna.Study:
    """The study of a space, which the first of many processes makes; two must not do that at the same moment."""
    return optuna.create_study(
        storage=storage, study_name=space, directions=("maximize", "minimize"), load_if_exists=True
    )


def run(space: str, storage: str, settings: Settings, seed: int) -> None:
    """Works on a study until it has all its trials. Any number of processes, on any machines, may do so at once,
    each with a seed of its own.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    study = study_of(space, storage)

    def trial_of(trial: optuna.Trial) -> tuple[float, float]:
        architecture = choose(trial.suggest_categorical)
        estimate = tflm_msf.estimate(layers_of(architecture), preset=space)
        trial.set_user_attr("macs", estimate.macs)
        trial.set_user_attr("network", json.loads(json.dumps(asdict(architecture))))
        known = accuracy_of(architecture, storage)
        accuracy = train(architecture, settings.epochs)[1] if known is None else known
        click.echo(f"{space}, trial {trial.number + 1}: {estimate.arena:,} B, {100 * accuracy:.1f} %", err=True)
        return accuracy, estimate.arena

    while (done := len(trials_of(space, storage))) < settings.trials:
        study.sampler = optuna.samplers.TPESampler(  # anew, so that a study that was stopped goes on as it would have
            seed=seed + done, n_startup_trials=settings.random, multivariate=True
        )
        study.optimize(trial_of, n_trials=1)


def accuracy_of(architecture: Architecture, storage: str) -> float | None:
    """What a network was found to tell right in a trial of any space; accuracy does not depend on the schedule."""
    network = json.loads(json.dumps(asdict(architecture)))
    for name in optuna.get_all_study_names(storage):
        for found in trials_of(name, storage):
            if found.network == network:
                return found.accuracy
    return None


def trials_of(space: str, storage: str) -> list[Found]:
    """What a study found, in the order of its trials."""
    study = optuna.load_study(study_name=space, storage=storage)
    done = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    return [
        Found(int(trial.values[1]), trial.values[0], trial.user_attrs["macs"], trial.user_attrs["network"])
        for trial in done
    ]


def front_of(trials: Sequence[Found]) -> list[Found]:
    """Those that no other beats in both arena and accuracy, least arena first."""
    front: list[Found] = []
    for found in sorted(trials, key=lambda found: (found.arena, -found.accuracy)):
        if not front or found.accuracy > front[-1].accuracy:
            front.append(found)
    return front


def beaten(front: Sequence[Found], other: Sequence[Found]) -> int:
    """How many of ``other``'s points one of ``front`` is as accurate as, in no more arena."""
    return sum(any(f.accuracy >= o.accuracy and f.arena <= o.arena for f in front) for o in other)


def draw(trials: dict[str, list[Found]], path: Path) -> None:
    """Trials as dots, fronts as steps."""
    import matplotlib as mpl

    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "codesign"
    from matplotlib import pyplot as plt

    names = {"full": "all schedules", "mcunetv2": "one patched head", "layerwise": "layer by layer"}
    figure, axes = plt.subplots(figsize=(7, 4.5))
    for space, found in trials.items():
        front = front_of(found)
        (line,) = axes.step(
            [each.arena / 1024 for each in front],
            [100 * each.accuracy for each in front],
            where="post",
            marker="o",
            markersize=4,
            label=names[space],
        )
        dots = [each.arena / 1024 for each in found], [100 * each.accuracy for each in found]
        axes.plot(*dots, ".", color=line.get_color(), alpha=0.25)
    best = max(each.accuracy for found in trials.values() for each in found)
    axes.set(
        xscale="log", xlabel="arena, KiB", ylabel="test images told right, %", ylim=(100 * best - 12, 100 * best + 1)
    )
    axes.legend()
    axes.grid(alpha=0.3, which="both")
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})


def proof(found: Found, epochs: int) -> dict[str, Any]:
    """A network trained again, converted, rewritten and verified: what it really takes, and tells right in int8."""
    from training import images

    architecture = _architecture(found.network)
    model, accuracy = train(architecture, epochs)
    pixels, _, _, _ = images(architecture.resolution)
    result = tflm_msf.from_keras(model, pixels[:100]).rewrite()
    report = result.verify(runs=3)
    return {
        "estimated": found.arena,
        "rewritten": max(result.report["needed"].values()),
        "same_bits": report.passed,
        "accuracy": accuracy,
    }


def _architecture(network: dict[str, Any]) -> Architecture:
    from space import Stage

    stages = tuple(Stage(**stage) for stage in network["stages"])
    return Architecture(network["resolution"], network["stem"], stages, network["head"])


@click.command(help=__doc__)
@click.option("--tiny", is_flag=True, help="Two trials of each, three epochs: does it run?")
@click.option("--storage", help="An Optuna storage. [default: a SQLite file in the directory]")
@click.option("--workers", default=1, show_default=True, help="Processes; with more than one, trials depend on timing.")
@click.option("--seed", default=1, show_default=True, help="Another one on each computer that works on a study.")
@click.option("-o", "--output", type=click.Path(path_type=Path), default=HERE, show_default=True, help="A directory.")
def main(tiny: bool, storage: str | None, workers: int, seed: int, output: Path) -> None:
    """Search, compare, draw."""
    settings = TINY if tiny else FULL
    output.mkdir(parents=True, exist_ok=True)
    storage = storage or f"sqlite:///{(output / 'study.db').resolve()}"
    for space in SPACES:
        if workers == 1:
            run(space, storage, settings, seed)
        else:
            _run_in_processes(workers, space, storage, settings, seed)
    trials = {space: trials_of(space, storage) for space in SPACES}
    fronts = {space: front_of(found) for space, found in trials.items()}
    checked = proof(fronts["full"][-1], settings.epochs)
    results = {
        "settings": settings._asdict(),
        "beaten": {space: [beaten(fronts["full"], fronts[space]), len(fronts[space])] for space in SPACES[1:]},
        "fronts": {space: [found._asdict() for found in front] for space, front in fronts.items()},
        "proof": checked,
    }
    (output / "results.json").write_text(json.dumps(results, indent=1) + "\n", "utf-8")
    draw(trials, output / "front.svg")
    for space, front in fronts.items():
        click.echo(f"{space}: " + ", ".join(f"{found.arena:,} B {100 * found.accuracy:.1f} %" for found in front))
    for space, (count, of) in results["beaten"].items():
        click.echo(f"all schedules are as accurate in no more arena as {count} of {of} points of {space}")
    click.echo(f"the most accurate network, converted and rewritten: {checked}")


def _run_in_processes(workers: int, space: str, storage: str, settings: Settings, seed: int) -> None:
    study_of(space, storage)
    context = multiprocessing.get_context("spawn")
    seeds = [seed + SEEDS_APART * worker for worker in range(workers)]
    processes = [context.Process(target=run, args=(space, storage, settings, own)) for own in seeds]
    for process in processes:
        process.start()
    for process in processes:
        process.join()


if __name__ == "__main__":
    main()
