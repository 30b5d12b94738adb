#!/usr/bin/env python3
"""Builds the functions for this machine and lays them out as `sam build` does: `OUT/template.yaml`, in which each
function's CodeUri is the folder `OUT/<LogicalId>` with its `bootstrap`. Left out is what emulators don't
know: CodeDeploy, which lets versions take over gradually, and alarms that are computed of several metrics. Nothing else of
the template changes, and of the state machines only a timeout that emulators can't read."""

import argparse
import os
import pathlib
import shutil
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
# How long ShipWarehouse waits; 72 hours are what the template's parameter is unless it is set.
SHIPMENT_DEADLINE = "\"{% $number('${ShipmentDeadlineHours}') * 3600 %}\""
PACKAGES = ["api", "audit", "notify", "order", "payment", "returns", "shipping", "stock"]


class Tagged(yaml.YAMLObject):
    """A value with a CloudFormation tag (!Ref, !Sub …), kept as it is."""

    def __init__(self, tag, node):
        self.tag, self.node = tag, node


class Loader(yaml.SafeLoader):
    pass


class Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data):
        return True


Loader.add_multi_constructor("!", lambda loader, tag, node: Tagged("!" + tag, node))
Dumper.add_representer(Tagged, lambda dumper, value: value.node)


def build_functions(profile):
    command = ["cargo", "build", "--bins", "--profile", profile]
    for package in PACKAGES:
        command += ["-p", f"omniflow-{package}"]
    subprocess.run(command, cwd=ROOT, check=True)
    folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return folder / ("debug" if profile == "dev" else profile)


def place(binary, out, stripped):
    """Puts a function's binary where SAM expects it."""
    if stripped:
        subprocess.run(["strip", "-o", out, binary], check=True)
        return
    # A link, or a copy where links can't go.
    try:
        os.link(binary, out)
    except OSError:
        shutil.copy2(binary, out)


def is_computed(resource):
    """Whether this is an alarm that is computed of several metrics."""
    return resource["Type"] == "AWS::CloudWatch::Alarm" and "Metrics" in resource["Properties"]


def lay_out(binaries, out, stripped):
    template = yaml.load((ROOT / "template.yaml").read_text(), Loader)
    template["Globals"]["Function"].pop("DeploymentPreference", None)
    template["Resources"] = {name: resource for name, resource in template["Resources"].items() if not is_computed(resource)}
    shutil.rmtree(out, ignore_errors=True)
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            (out / name).mkdir(parents=True)
            binary = binaries / resource["Metadata"]["BuildProperties"]["Binary"]
            place(binary, out / name / "bootstrap", stripped)
            resource["Properties"]["CodeUri"] = name
        elif resource["Type"] == "AWS::Serverless::StateMachine":
            definition = resource["Properties"]["DefinitionUri"]
            (out / definition).parent.mkdir(parents=True, exist_ok=True)
            # Emulators take a number, and not an expression that gives one.
            text = (ROOT / definition).read_text()
            (out / definition).write_text(text.replace(SHIPMENT_DEADLINE, str(72 * 3600)))
    (out / "template.yaml").write_text(yaml.dump(template, Dumper=Dumper, sort_keys=False, width=120))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / ".aws-sam" / "build")
    parser.add_argument("--profile", default="function", help="cargo profile (default: function)")
    arguments = parser.parse_args()
    # Lambda takes 250 MB of a function, unzipped (AWS Lambda Developer Guide, "Lambda quotas"); what a debugger needs is most of
    # a debug build.
    lay_out(build_functions(arguments.profile), arguments.out, stripped=arguments.profile == "dev")
    print(arguments.out / "template.yaml")


if __name__ == "__main__":
    main()
