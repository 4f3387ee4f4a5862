"""`derain networks` lists the networks and checks them."""

from dataclasses import dataclass

from rich.console import Console


@dataclass(frozen=True)
class Networks:
    """List the networks: what they are, what they cost, and whether they pass their checks, which are run now."""

    def run(self, console: Console) -> None:
        from rich.table import Table

        from derain.networks.summary import summarise_all

        columns = ("network", "paper", "parameters", "multiply-adds", "receptive field", "checks passed")
        table = Table(*columns, box=None, caption="multiply-adds of one picture of 128x128; defaults of every network")
        summaries = summarise_all()
        for each in summaries:
            table.add_row(
                each.name,
                each.network.descriptor.paper,
                f"{each.network.parameter_count():,}",
                f"{each.multiply_adds / 1e9:.1f} G",
                f"{field} px" if (field := each.network.descriptor.receptive_field_px) else "whole picture",
                f"{len(each.passed)} of {len(each.passed) + len(each.failed)}",
            )
        console.print(table)
        for each in summaries:
            for check in each.failed:
                console.print(f"{each.name} fails: {check}")
