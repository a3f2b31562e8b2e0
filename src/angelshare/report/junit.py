"""One test case for each student and audit, for the dashboards that continuous integration already has."""

from collections import defaultdict
from xml.etree import ElementTree

from angelshare.findings import Outcome
from angelshare.report.hostile import plain
from angelshare.report.sentences import say
from angelshare.report.summary import AuditVerdict, Summary, Verdict
from angelshare.report.words import OUTCOMES

SHOWN = 10


def to_junit(summary: Summary) -> str:
    """JUnit XML: a loss or a failed audit is a failure; an audit that cannot tell is skipped, with the reason."""
    suites: dict[str, list[tuple[Verdict, AuditVerdict]]] = defaultdict(list)
    names = {subject.name for subject in summary.students}
    for verdict in summary.verdicts:
        if verdict.model in names:
            for audit in verdict.audits:
                suites[audit.suite].append((verdict, audit))
    root = ElementTree.Element("testsuites", name="angelshare")
    for suite, cases in suites.items():
        group = ElementTree.SubElement(root, "testsuite", name=plain(suite), tests=str(len(cases)), errors="0")
        for verdict, audit in cases:
            _case(group, summary, verdict, audit)
        group.set("failures", str(len(group.findall("testcase/failure"))))
        group.set("skipped", str(len(group.findall("testcase/skipped"))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(group: ElementTree.Element, summary: Summary, verdict: Verdict, audit: AuditVerdict) -> None:
    name = f"{plain(verdict.model)}: {plain(audit.audit)}"
    case = ElementTree.SubElement(group, "testcase", classname=f"angelshare.{plain(audit.suite)}", name=name)
    if audit.outcome in (Outcome.NO_LOSS, Outcome.GAIN):
        return
    kind = "failure" if audit.outcome in (Outcome.LOSS, Outcome.FAILED) else "skipped"
    tally = ", ".join(f"{count} {OUTCOMES[Outcome(key)].label}" for key, count in audit.tally.items())
    lines = [
        say(finding)
        for index in (*verdict.everyone, *verdict.groups)
        if (finding := summary.findings[index]).outcome == audit.outcome
        and (finding.suite, finding.audit) == (audit.suite, audit.audit)
    ]
    outcome = OUTCOMES[audit.outcome].label if audit.outcome else "nothing could be judged"
    detail = ElementTree.SubElement(case, kind, message=f"{outcome}: {lines[0] if lines else tally}")
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    detail.text = "\n".join([tally, *lines[:SHOWN], *more])
