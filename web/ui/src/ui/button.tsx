// The button of the interface. `isBusy` keeps its size and refuses a second press.
import type { ButtonHTMLAttributes, ReactNode } from 'react';

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & {
  look?: 'primary' | 'plain' | 'quiet' | 'danger';
  size?: 'small' | 'normal' | 'large';
  isBusy?: boolean;
  icon?: ReactNode;
};

export function Button({
  look = 'plain',
  size = 'normal',
  isBusy = false,
  icon,
  children,
  className = '',
  disabled = false,
  type = 'button',
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      disabled={disabled || isBusy}
      aria-busy={isBusy}
      className={`button button-${look} button-${size} ${className}`}
    >
      {icon}
      {children}
    </button>
  );
}

/** A square button that shows only an icon; `label` is what it is called. */
export function IconButton({
  label,
  className = '',
  type = 'button',
  children,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { label: string }) {
  return (
    <button
      {...rest}
      type={type}
      className={`icon-button ${className}`}
      aria-label={label}
      title={label}
    >
      {children}
    </button>
  );
}
