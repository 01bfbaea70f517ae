"""Execute the first stage of the Dockerfile without Docker, step by step, below a folder."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
IGNORED = shutil.ignore_patterns("__pycache__", ".*.guard")


@dataclass(frozen=True)
class Step:
    """One instruction of the Dockerfile: its keyword, such as `RUN`, and its arguments."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        return shlex.split(self.text)


def stages(path: Path = DOCKERFILE) -> list[list[Step]]:
    """Return the instructions of each stage, without its FROM."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    steps = [Step(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
    found: list[list[Step]] = []
    for step in steps:
        if step.name == "FROM":
            found.append([])
        elif found:
            found[-1].append(step)
    return found


def settings(step: Step) -> Iterator[tuple[str, str]]:
    """Return the variables that an ENV instruction sets."""
    for word in step.words:
        name, _, value = word.partition("=")
        yield name, value


@dataclass
class Build:
    """A build below `root`, in which the image's folders are created and renamed accordingly."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: _clean(os.environ))
    folder: str = "/"

    def place(self, path: str) -> Path:
        return self.root / (path if path.startswith("/") else f"{self.folder}/{path}").lstrip("/")

    def take(self, step: Step) -> None:
        {"ENV": self.set, "WORKDIR": self.enter, "COPY": self.copy, "RUN": self.run}[step.name](step)

    def set(self, step: Step) -> None:
        for name, value in settings(step):
            known = value.replace("$PATH", self.environment["PATH"])
            self.environment[name] = known.replace("/opt/", f"{self.root}/opt/")

    def enter(self, step: Step) -> None:
        self.folder = step.text
        self.place(step.text).mkdir(parents=True)

    def copy(self, step: Step) -> None:
        *sources, target = step.words
        for source in sources:
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, self.place(target), ignore=IGNORED)
            else:
                self.place(target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, self.place(target))

    def run(self, step: Step) -> None:
        command = step.text.replace("/opt/", f"{self.root}/opt/")
        subprocess.run(
            ["/bin/sh", "-ec", command], cwd=self.place(self.folder), env=self.environment, check=True
        )


def build(root: Path) -> Path:
    """Execute the first stage, and return the folder of the environment that the second stage copies."""
    work = Build(root)
    work.environment["PIP_QUIET"] = "1"
    work.environment["PATH"] = f"{Path(sys.executable).parent}:{work.environment['PATH']}"
    for step in stages()[0]:
        sys.stdout.write(f"  {step.name} {step.text}\n")
        sys.stdout.flush()
        work.take(step)
    return root / "opt" / "dataset-assets"


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        k: v for k, v in environment.items() if not k.startswith(("DAGSTER", "DATASET_ASSETS", "VIRTUAL"))
    }


if __name__ == "__main__":
    build(Path(sys.argv[1]))
