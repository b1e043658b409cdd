// Keeps one failed page from taking the whole site down: says so and offers to load again (also
// after a new release replaced a chunk).
import { Component } from 'react';
import type { ReactNode } from 'react';
import { Button } from './button.js';

interface BoundaryProps {
  /** A new value clears the failure, for example the address of the next page. */
  resetKey: string;
  children: ReactNode;
}

interface BoundaryState {
  hasFailed: boolean;
  resetKey: string;
}

export class Boundary extends Component<BoundaryProps, BoundaryState> {
  override state: BoundaryState = { hasFailed: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<BoundaryState> {
    return { hasFailed: true };
  }

  static getDerivedStateFromProps(
    props: BoundaryProps,
    state: BoundaryState,
  ): Partial<BoundaryState> | null {
    if (props.resetKey === state.resetKey) return null;
    return { hasFailed: false, resetKey: props.resetKey };
  }

  override render(): ReactNode {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <main className="blank" id="main">
        <h1 className="display">This page did not load</h1>
        <p>A part of the site could not be fetched, or it failed while showing.</p>
        <Button look="primary" onClick={() => location.reload()}>
          Load again
        </Button>
      </main>
    );
  }
}
