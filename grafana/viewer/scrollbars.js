// Stands in for react-custom-scrollbars-2, which esbuild cannot bundle: a box that scrolls.
import { createElement, forwardRef } from 'react';

export default forwardRef(function Scrollbars({ children, style }, ref) {
  return createElement('div', { ref, style: { overflow: 'auto', width: '100%', height: '100%', ...style } }, children);
});
