// Opens the tip dialog; for members only, since strangers have nothing to give.
import { useState } from 'react';
import type { Room } from '../api/rooms.js';
import { Button } from '../ui/button.js';
import { GiftIcon } from '../ui/icons.js';
import { TipDialog } from './tip-dialog.js';

export function TipButton({ room }: { room: Room }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <Button
        look="primary"
        icon={<GiftIcon />}
        onClick={() => setOpen(true)}
        data-testid="tip-open"
      >
        Tip
      </Button>
      {isOpen ? <TipDialog room={room} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
