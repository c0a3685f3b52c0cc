import type { Latency } from "../format";
import type { Story } from "../story";
import { count, duration } from "../numbers";
import { letterOf } from "./banner";

export function Latencies({ story }: { story: Story }) {
  const names = [...new Set(story.runs.flatMap(run => run.meta.latencies.map(({ name }) => name)))];
  return (
    <section id="latencies" aria-labelledby="latencies-title">
      <h2 id="latencies-title">Latencies</h2>
      {!names.length && <p class="lead">This file has no latencies.</p>}
      <div class="histograms">
        {names.map(name => {
          const found = story.runs.map(run => run.meta.latencies.find(latency => latency.name === name));
          return <Named key={name} name={name} found={found} two={story.runs.length > 1} />;
        })}
      </div>
    </section>
  );
}

function Named({ name, found, two }: { name: string; found: (Latency | undefined)[]; two: boolean }) {
  const known = found.filter(latency => latency !== undefined && latency.count > 0) as Latency[];
  const buckets = known.flatMap(latency => latency.buckets);
  const from = Math.max(1, Math.min(...buckets.map(bucket => bucket[0] || bucket[1] / 2)));
  const to = Math.max(from * 10, ...buckets.map(bucket => bucket[1]));
  return (
    <figure class="histogram">
      <figcaption>
        <h3>{name}</h3>
        <p>{found.find(latency => latency)?.words}</p>
      </figcaption>
      {found.map((latency, r) => latency && (
        <div key={r}>
          {two && <span class="runLetter">{letterOf(r)}</span>}
          {latency.count ? <Histogram latency={latency} from={from} to={to} /> : <p class="lead">None.</p>}
          <p class="figures">
            <b>{count(latency.count)}</b> times
            {latency.count > 0 && <> · p50 <b>{duration(latency.p50_ps, 3)}</b> · p99 <b>{duration(latency.p99_ps, 3)}</b> · max <b>{duration(latency.max_ps, 3)}</b></>}
          </p>
          {latency.count > 0 && <BucketTable latency={latency} />}
        </div>
      ))}
    </figure>
  );
}

const WIDTH = 320, HEIGHT = 84, AXIS = 16;

function Histogram({ latency, from, to }: { latency: Latency; from: number; to: number }) {
  const x = (ps: number) => (Math.log(Math.max(ps, from) / from) / Math.log(to / from)) * WIDTH;
  const most = Math.max(...latency.buckets.map(bucket => bucket[2]));
  const decades: number[] = [];
  for (let power = Math.ceil(Math.log10(from)); power <= Math.log10(to); ++power) decades.push(10 ** power);
  const every = Math.ceil(decades.length / 5);
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT + AXIS}`} role="img"
      aria-label={`${latency.name}: ${count(latency.count)} times, from ${duration(latency.min_ps, 3)} to ${duration(latency.max_ps, 3)}, median ${duration(latency.p50_ps, 3)}`}>
      {latency.buckets.filter(bucket => bucket[2] > 0).map(([low, high, n]) => (
        <rect key={low} class="bucket" x={x(low)} width={Math.max(1, x(high) - x(low) - 0.5)}
          y={HEIGHT - Math.max(1, (n / most) * (HEIGHT - 4))} height={Math.max(1, (n / most) * (HEIGHT - 4))}>
          <title>{`${duration(low, 3)} to ${duration(high, 3)}: ${count(n)}`}</title>
        </rect>
      ))}
      <line x1="0" x2={WIDTH} y1={HEIGHT} y2={HEIGHT} class="rule" />
      {[latency.p50_ps, latency.p99_ps].map((ps, i) => <line key={i} class="quantile" x1={x(ps)} x2={x(ps)} y1="0" y2={HEIGHT} />)}
      {decades.filter((_, i) => i % every === 0).map(ps => (
        <g key={ps}><line class="rule" x1={x(ps)} x2={x(ps)} y1={HEIGHT} y2={HEIGHT + 3} />
          <text x={Math.min(WIDTH - 12, Math.max(12, x(ps)))} y={HEIGHT + 13} text-anchor="middle">{duration(ps)}</text></g>
      ))}
    </svg>
  );
}

function BucketTable({ latency }: { latency: Latency }) {
  return (
    <details data-own-keys>
      <summary>Figures<span class="unseen"> of {latency.name}</span></summary>
      <table>
        <thead><tr><th scope="col">from</th><th scope="col">to</th><th scope="col">times</th></tr></thead>
        <tbody>
          {latency.buckets.filter(bucket => bucket[2] > 0).map(([low, high, n]) => (
            <tr key={low}><td>{duration(low, 3)}</td><td>{duration(high, 3)}</td><td>{count(n)}</td></tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
