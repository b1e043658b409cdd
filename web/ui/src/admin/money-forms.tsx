// Commands about money: give a show or a tip back, campaigns and grants from them, adjustments,
// chargebacks.
import { useState } from 'react';
import {
  adjust,
  createCampaign,
  giveRefund,
  grantFromCampaign,
  noteChargeback,
} from '../api/money-desk.js';
import type { ChargebackState, Refund } from '../api/money-desk.js';
import type { Campaign } from '../api/staff.js';
import { formatCreditsUnit } from '../format/credits.js';
import { Select } from '../ui/select.js';
import { CommandForm } from './command-form.js';

interface FormProps {
  onDone: () => void;
}

const refundKinds = [
  ['show', 'Paid show'],
  ['tip', 'Tip'],
] as const;

export function RefundForm({ onDone }: FormProps) {
  const [kind, setKind] = useState<Refund['kind']>('show');
  return (
    <CommandForm
      title="Give back"
      verb="Give it back"
      testId="refund-form"
      fields={[
        { name: 'ref', label: kind === 'show' ? 'Id of the visit' : 'Id of the tip' },
        { name: 'amountMilli', label: 'Amount', kind: 'credits', isOptional: true },
        { name: 'reason', label: 'Reason', hint: 'Kept in the record.' },
      ]}
      send={async ({ ref = '', amountMilli, reason = '' }, key) => {
        const part = amountMilli === undefined ? {} : { amountMilli };
        const { refund } = await giveRefund({ key, kind, ref, reason, ...part });
        return refund.state === 'waiting'
          ? 'It is above the limit: another person has to approve it.'
          : `${formatCreditsUnit(refund.returnedMilli ?? '0')} went back.`;
      }}
      onDone={onDone}
    >
      <Select label="What" value={kind} options={refundKinds} onChange={setKind} />
    </CommandForm>
  );
}

export function CampaignForm({ onDone }: FormProps) {
  const [paysPerformer, setPays] = useState(true);
  return (
    <CommandForm
      title="New campaign"
      verb="Create"
      testId="campaign-form"
      fields={[
        { name: 'name', label: 'Name' },
        { name: 'budgetMilli', label: 'Budget', kind: 'credits' },
        { name: 'expiresDays', label: 'Bonus ends after days', kind: 'number', hint: '0 = never.' },
      ]}
      send={async ({ name = '', budgetMilli = '', expiresDays = '' }, key) => {
        const days = Number(expiresDays);
        await createCampaign({ key, name, budgetMilli, expiresDays: days, paysPerformer });
        return `${name} was created.`;
      }}
      onDone={onDone}
    >
      <label className="check">
        <input
          type="checkbox"
          checked={paysPerformer}
          onChange={(event) => setPays(event.target.checked)}
        />
        Models get their share of it
      </label>
    </CommandForm>
  );
}

export function CampaignGrant({ campaigns, onDone }: FormProps & { campaigns: Campaign[] }) {
  const [chosen, setChosen] = useState<string>();
  const id = chosen ?? campaigns[0]?.id;
  if (id === undefined) return null;
  return (
    <CommandForm
      title="Grant from a campaign"
      verb="Grant"
      testId="campaign-grant"
      fields={[
        { name: 'username', label: 'Account' },
        { name: 'amountMilli', label: 'Amount', kind: 'credits' },
      ]}
      send={async ({ username = '', amountMilli = '' }, key) => {
        const { balance } = await grantFromCampaign(id, { key, username, amountMilli });
        return `${username} now has ${formatCreditsUnit(balance)}.`;
      }}
      onDone={onDone}
    >
      <Select
        label="Campaign"
        value={id}
        options={campaigns.map((one) => [one.id, one.name])}
        onChange={setChosen}
      />
    </CommandForm>
  );
}

export function AdjustmentForm({ onDone }: FormProps) {
  return (
    <CommandForm
      title="New adjustment"
      verb="Adjust"
      testId="adjustment-form"
      fields={[
        { name: 'username', label: 'Account' },
        { name: 'amountMilli', label: 'Amount', kind: 'signed', hint: 'Below zero takes credits.' },
        { name: 'reasonCode', label: 'Reason', hint: 'In one word, such as goodwill.' },
        { name: 'ticket', label: 'Ticket', hint: 'Where it was decided.' },
      ]}
      send={async ({ username = '', amountMilli = '', reasonCode = '', ticket = '' }, key) => {
        const { adjustment } = await adjust({ key, username, amountMilli, reasonCode, ticket });
        return adjustment.state === 'pending'
          ? 'It is above the limit: another person has to approve it.'
          : `${formatCreditsUnit(adjustment.amountMilli)} were booked.`;
      }}
      onDone={onDone}
    />
  );
}

const chargebackStates = [
  ['opened', 'Opened: the wallet is frozen'],
  ['won', 'Won: the wallet is free again'],
  ['lost', 'Lost: the credits are taken'],
] as const;

export function ChargebackForm({ onDone }: FormProps) {
  const [state, setState] = useState<ChargebackState>('opened');
  return (
    <CommandForm
      title="Chargeback"
      verb="Note it"
      testId="chargeback-form"
      fields={[{ name: 'paymentRef', label: 'Payment', hint: 'As it stands under Purchases.' }]}
      send={async ({ paymentRef = '' }, key) => {
        const told = await noteChargeback({ key, paymentRef, state });
        const frozen = told.isFrozen ? 'The wallet is frozen.' : 'The wallet is not frozen.';
        return told.debtMilli === '0'
          ? frozen
          : `${frozen} ${formatCreditsUnit(told.debtMilli)} are owed.`;
      }}
      onDone={onDone}
    >
      <Select label="News" value={state} options={chargebackStates} onChange={setState} />
    </CommandForm>
  );
}
