/** OpenMetrics 1.0 text of the node's counters and gauges. */
export type Metrics = () => string;

/** Counter names may carry labels (`x_total{reason="y"}`); every metric gets the prefix `muster_`. Both are read at the time of the call. */
export function metricsOf(counters: () => Iterable<readonly [string, number]>, gauges: () => Readonly<Record<string, number>>): Metrics {
  return () => {
    const families = new Map<string, string[]>();
    for (const [name, value] of counters()) {
      const [bare, labels = ''] = splitLabels(name);
      const family = bare.replace(/_total$/, '');
      const lines = families.get(family) ?? [`# TYPE muster_${family} counter`];
      lines.push(`muster_${family}_total${labels} ${value}`);
      families.set(family, lines);
    }
    const lines = [...families.values()].flat();
    for (const [name, value] of Object.entries(gauges())) lines.push(`# TYPE muster_${name} gauge`, `muster_${name} ${value}`);
    return `${lines.join('\n')}\n# EOF\n`;
  };
}

function splitLabels(name: string): [string, string?] {
  const at = name.indexOf('{');
  return at === -1 ? [name] : [name.slice(0, at), name.slice(at)];
}
