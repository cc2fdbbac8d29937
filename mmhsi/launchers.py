"""What the launchers of distributed runs tell their processes."""

TOLD = {
    "pytorch": ("RANK", "WORLD_SIZE", "LOCAL_RANK"),
    "mpi": ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
    "slurm": ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"),
}
"""Where each tells a process its number, how many there are, and its number on its machine.

A job of Slurm that calls mpirun has the variables of Slurm too.
"""
