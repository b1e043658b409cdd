// All finance operations joined on one desk. Used by the role (API and periodic jobs) and by the
// CLI, which runs the same code without the role.
import type { WalletState } from '../scripts.js';
import { Adjustments } from './adjustments.js';
import { AuditLog } from './audit.js';
import { Campaigns } from './campaigns.js';
import { Desk, type DeskOptions } from './desk.js';
import { EarnerStatement } from './earner-statement.js';
import { Earnings } from './earnings.js';
import { Freezes } from './freezes.js';
import { Lots } from './lots.js';
import { Payouts } from './payouts.js';
import { Purchases } from './purchases.js';
import { Refunds } from './refunds.js';
import { Reports } from './reports.js';

export interface Finance {
  readonly desk: Desk;
  readonly purchases: Purchases;
  readonly refunds: Refunds;
  readonly adjustments: Adjustments;
  readonly campaigns: Campaigns;
  readonly freezes: Freezes;
  readonly lots: Lots;
  readonly earnings: Earnings;
  readonly statement: EarnerStatement;
  readonly payouts: Payouts;
  readonly reports: Reports;
  readonly audit: AuditLog;
}

export interface FinanceOptions extends DeskOptions {
  /** Told when credits have expired. */
  readonly onChanged?: (wallet: string, state: WalletState) => void;
}

export function createFinance(options: FinanceOptions): Finance {
  const desk = new Desk(options);
  const freezes = new Freezes(desk);
  const earnings = new Earnings(desk);
  return {
    ...{ desk, freezes, earnings },
    purchases: new Purchases(desk, freezes),
    refunds: new Refunds(desk),
    adjustments: new Adjustments(desk),
    campaigns: new Campaigns(desk),
    lots: new Lots(desk, options.onChanged ?? (() => undefined)),
    statement: new EarnerStatement(options.database),
    payouts: new Payouts(desk, earnings),
    reports: new Reports(desk),
    audit: new AuditLog(desk),
  };
}
