"""Print the leaderboard's page from docs/leaderboard.json, or write it."""

from experiments.table import ROOT

from mmhsi.cli.command import run, tool_parser
from mmhsi.evaluation.leaderboard import read_board, tabulate_board
from mmhsi.io.files import write_whole

BOARD, PAGE = ROOT / "docs/leaderboard.json", ROOT / "docs/leaderboard.md"
REFERENCE = "extra trees on scene channels"
HEADER = """# Leaderboard

*For those who have a method of their own and want its figures beside others'.*

Few labels, fixed splits, any method. A row is a method on one data set and protocol; its figures are made from maps or
lists of predictions alone, by one command, so that it does not matter in what a method is written. Printed by
`python benchmarks/leaderboard.py` from `docs/leaderboard.json`.

## Protocol

- The training pixels of a split are the only labels that may be used, also for choosing a model, its settings and when
  to stop; the scene itself, without labels, and other scenes may be used, and the column *sees* says so.
- `…_20-per-class` and `…_5-per-class`: seeds 0 to 4; `…_disjoint`: seeds 0 to 7, spatially disjoint blocks. A row has
  all of them; `mmhsi score` names those that it lacks. Of other data a row has seeds 0 to n − 1. Figures are means ±
  sample standard deviations over the seeds, in per cent, of the test pixels; the last column is the mean difference in
  OA on the same seeds, its standard error, and how often it is won.
- Whoever sends a row answers for its training pixels. A class map with the item that `mmhsi predict` writes beside it
  (`NAME.stac.json`) is refused on another split of the scene than its model's; of other files, also of
  `mmhsi classify`, nothing tells the split.
- Test pixels of random splits border on training pixels: a method that looks far sees the neighbours of what it has
  learned. The disjoint column is the one that says what happens elsewhere. [Splits](splits.md) explains both.

## Adding a row

`mmhsi show_split CONFIG --dataset NAME --seed K --out split.png` draws a split; its pixels are
`SceneDataset(…).split.train` and `.test`, flat indices into the scene:

```python
from mmhsi.datasets import SceneDataset
from mmhsi.datasets.splits import FewShotSplit

train = SceneDataset("demo", split=FewShotSplit(20, seed=0))  # of others: SceneDataset("salinas_a", "data", …)
rows, columns = divmod(train.split.train, train.labels.shape[1])
```

`labels` are class indices from 0, with 255 where there is none; a map has the scene's ids.

A prediction is a class map that `mmhsi predict` wrote, any label map with the scene's ids (`.tif`, `.npy`, `.mat`), or
a CSV table with `row`, `column` and `class` of the test pixels at least. One file a seed:

<!-- not run: needs predictions -->
```shell
mmhsi score map0.tif map1.tif map2.tif map3.tif map4.tif \\
    --dataset houston2018-crop_5-per-class --seeds 0 1 2 3 4 \\
    --out docs/leaderboard.json --method "my method" --sees "HSI + RGB" --source github.com/me/mine
python benchmarks/leaderboard.py --write
```

There is one row of a name on each data set, whatever its capital letters. `--replace` puts yours in place of your own
earlier one; a row of another source is never replaced.

Send the changed JSON and page as a pull request, with the predictions or the command that makes them.

## Rows

"""


def main() -> None:
    """Write or print."""
    parser = tool_parser(__doc__)
    parser.add_argument("--write", action="store_true", help="write docs/leaderboard.md")
    args = parser.parse_args()
    text = HEADER + tabulate_board(read_board(BOARD), REFERENCE)
    if args.write:
        write_whole(PAGE, text)
    else:
        print(text, end="")


if __name__ == "__main__":
    run(main)
