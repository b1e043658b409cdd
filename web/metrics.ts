// What the site measures, declared once with the names that dashboards use.
import type { Metrics } from '../cluster/index.js';

export interface SiteMetrics {
  answered(answer: { route: string; status: number; seconds: number }): void;
}

export function createSiteMetrics(metrics: Metrics): SiteMetrics {
  const requests = metrics.counter({
    name: 'showbill_web_requests_total',
    help: 'Requests answered, by route pattern and class of status.',
    labels: ['route', 'status'],
  });
  const duration = metrics.histogram({
    name: 'showbill_web_request_duration_seconds',
    help: 'Time from the arrival of a request to the end of its answer, by route pattern.',
    labels: ['route'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  return {
    answered({ route, status, seconds }) {
      requests.inc({ route, status: `${Math.floor(status / 100)}xx` });
      duration.observe({ route }, seconds);
    },
  };
}
