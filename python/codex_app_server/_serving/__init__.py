"""Who answers the runtime's requests. Used by the runtimes of both shells; exports nothing."""
