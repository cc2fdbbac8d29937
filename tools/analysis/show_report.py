"""Show a report of mmhsi test --out: accuracy and IoU of every class as Markdown, the confusion matrix as PNG."""

from mmhsi.cli.command import WrittenPicture, run, tool_parser
from mmhsi.cli.inputs import ReadReport


def main() -> None:
    """Print the table and draw the matrix."""
    parser = tool_parser(__doc__, "mmhsi show_report report.json --out confusion.png")
    parser.add_argument("report", type=ReadReport, help="JSON file of mmhsi test --out")
    parser.add_argument(
        "--out", type=WrittenPicture, help="PNG of the confusion matrix, in per cent of each true class"
    )
    args = parser.parse_args()
    import numpy as np

    from mmhsi.evaluation.markdown import cell
    from mmhsi.evaluation.metric import cells, read_report
    from mmhsi.visualization.confusion import save_confusion_figure

    report = read_report(args.report)
    classes, matrix = report["classes"], np.array(report["confusion_matrix"])
    print(f"{report['protocol']}\n\n| class | pixels | accuracy | IoU |\n| --- | ---: | ---: | ---: |")
    for entry in classes:
        print(f"| {' | '.join(map(cell, cells(entry)))} |")
    print(f"\n{', '.join(f'{name} {value:.2f}' for name, value in report['metrics'].items())}")
    if args.out:
        save_confusion_figure(args.out, matrix, [entry["name"] for entry in classes])
        print(f"picture: {args.out}")


if __name__ == "__main__":
    run(main)
