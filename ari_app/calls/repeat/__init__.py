"""The repeat caller: told how the case stands, or asked whether it is solved, before the menu."""
