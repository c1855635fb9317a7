!> Train a network from Fortran, with the samples of a program that runs on MPI.  Compile this file with
!> your program and lockstep.f90, before which nothing of it may come: with CMake by
!> target_link_libraries(... lockstep::fortran), else by
!>
!>   mpif90 lockstep.f90 lockstep_training.f90 program.f90 $(pkg-config --libs lockstep)
!>
!> Each rank gives samples of its own, as many as it has (lockstep/feed.h).
!> All ranks call create, feed, backward, set_lr, save, destroy together, and get the same status.
!>
!>   type(lockstep_trainer) :: trainer
!>   call trainer%create(MPI_COMM_WORLD, config, 3, 1, status)      ! comm%mpi_val of mpi_f08's
!>   call trainer%lanes(all, first, last)                           ! this rank's, of 1 to all
!>   call trainer%feed(x, y, status)                                ! x(3, n), y(1, n), real(4)
!>   call trainer%feed(x, y, status, weights=w, lane_samples=m, loss=loss)    ! w(n), m(first:last)
!>   call trainer%forward(x, y, status); call trainer%backward(dy, status)    ! dy as y
!>   call trainer%predict(x, y, status); call trainer%save_network('net.h5', status)
!>   call trainer%save('state.h5', status)      ! and create(..., status, checkpoint='state.h5')
!>   call trainer%destroy()                     ! before MPI_Finalize
!>
!> config is the text of a configuration, with new_line('a') between lines, or in braces.  Numbers of
!> inputs and targets are those of one sample; 1 target may be a class, from 0 on, as a number; 0
!> targets: for forward and backward alone.
module lockstep_training
  use, intrinsic :: iso_c_binding, only: c_associated, c_char, c_double, c_float, c_int, c_int64_t, c_loc, &
                                         c_null_char, c_null_ptr, c_ptr, c_size_t
  use lockstep, only: lockstep_message, lockstep_own_message, lockstep_shape
  implicit none
  private
  public :: lockstep_trainer, lockstep_message

  !> A network that is trained on what the ranks give.  Not to be assigned; destroy frees it.
  type :: lockstep_trainer
    private
    type(c_ptr) :: handle = c_null_ptr, comm = c_null_ptr, config = c_null_ptr
    integer :: n_inputs = 0, n_targets = 0, n_outputs = 0
  contains
    procedure :: create          !< (comm, config, inputs, targets, status [, checkpoint])
    procedure :: lanes           !< (all, first, last [, room])
    procedure :: feed            !< (x, y, status [, weights, lane_samples, loss])
    procedure :: forward         !< (x, y, status [, lane_samples]); local
    procedure :: backward        !< (dy, status)
    procedure :: predict => trainer_predict !< (x, y, status); local
    procedure :: steps           !< that are done
    procedure :: weights_hash    !< the same bits, the same hash; local
    procedure :: lr              !< of the next step
    procedure :: set_lr          !< (lr, status); 0: the schedule's again
    procedure :: save            !< (path, status): all that training goes on from
    procedure :: save_network    !< (path, status): the network alone, for lockstep_model
    procedure :: destroy
    procedure, private :: copy_trainer
    generic :: assignment(=) => copy_trainer
  end type lockstep_trainer

  integer(c_int), parameter :: wrong_usage = 3 ! LS_EUSAGE of lockstep/status.h

  type, bind(c) :: ls_port
    character(kind=c_char) :: name(64) ! LS_NAME_BYTES
    integer(c_int) :: type
    type(lockstep_shape) :: shape
  end type ls_port

  type, bind(c) :: ls_lanes
    integer(c_size_t) :: all, first, end, room
  end type ls_lanes

  interface
    function ls_comm_create_fortran(mpi, comm) bind(c) result(status)
      import :: c_int, c_ptr
      integer(c_int), value :: mpi
      type(c_ptr), intent(out) :: comm
      integer(c_int) :: status
    end function ls_comm_create_fortran

    function ls_comm_agree(comm, mine) bind(c) result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: comm
      integer(c_int), value :: mine
      integer(c_int) :: status
    end function ls_comm_agree

    function ls_comm_rank(comm) bind(c) result(rank)
      import :: c_int, c_ptr
      type(c_ptr), value :: comm
      integer(c_int) :: rank
    end function ls_comm_rank

    subroutine ls_comm_destroy(comm) bind(c)
      import :: c_ptr
      type(c_ptr), value :: comm
    end subroutine ls_comm_destroy

    function ls_config_parse(text, name, config) bind(c) result(status)
      import :: c_char, c_int, c_ptr
      character(kind=c_char), intent(in) :: text(*), name(*)
      type(c_ptr), intent(out) :: config
      integer(c_int) :: status
    end function ls_config_parse

    subroutine ls_config_destroy(config) bind(c)
      import :: c_ptr
      type(c_ptr), value :: config
    end subroutine ls_config_destroy

    function ls_trainer_create_fed(comm, config, n_inputs, inputs, n_targets, targets, checkpoint, &
                                   trainer) bind(c) result(status)
      import :: c_int, c_ptr, c_size_t, ls_port
      type(c_ptr), value :: comm, config, checkpoint
      integer(c_size_t), value :: n_inputs, n_targets
      type(ls_port), intent(in) :: inputs(*), targets(*)
      type(c_ptr), intent(out) :: trainer
      integer(c_int) :: status
    end function ls_trainer_create_fed

    function ls_trainer_lanes(trainer) bind(c) result(lanes)
      import :: c_ptr, ls_lanes
      type(c_ptr), value :: trainer
      type(ls_lanes) :: lanes
    end function ls_trainer_lanes

    function ls_trainer_feed(trainer, n, inputs, targets, weights, lane_samples, loss) bind(c) &
      result(status)
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: trainer, weights, lane_samples, loss
      integer(c_size_t), value :: n
      type(c_ptr), intent(in) :: inputs(*), targets(*)
      integer(c_int) :: status
    end function ls_trainer_feed

    function ls_trainer_forward(trainer, n, inputs, lane_samples, outputs) bind(c) result(status)
      import :: c_int, c_ptr, c_size_t
      type(c_ptr), value :: trainer, lane_samples
      integer(c_size_t), value :: n
      type(c_ptr), intent(in) :: inputs(*), outputs(*)
      integer(c_int) :: status
    end function ls_trainer_forward

    function ls_trainer_backward(trainer, gradients) bind(c) result(status)
      import :: c_int, c_ptr
      type(c_ptr), value :: trainer, gradients
      integer(c_int) :: status
    end function ls_trainer_backward

    function ls_trainer_model(trainer) bind(c) result(model)
      import :: c_ptr
      type(c_ptr), value :: trainer
      type(c_ptr) :: model
    end function ls_trainer_model

    function ls_trainer_steps(trainer) bind(c) result(steps)
      import :: c_int64_t, c_ptr
      type(c_ptr), value :: trainer
      integer(c_int64_t) :: steps
    end function ls_trainer_steps

    function ls_model_hash(model) bind(c) result(hash)
      import :: c_int64_t, c_ptr
      type(c_ptr), value :: model
      integer(c_int64_t) :: hash
    end function ls_model_hash

    function ls_trainer_lr(trainer) bind(c) result(lr)
      import :: c_double, c_ptr
      type(c_ptr), value :: trainer
      real(c_double) :: lr
    end function ls_trainer_lr

    function ls_trainer_set_lr(trainer, lr) bind(c) result(status)
      import :: c_double, c_int, c_ptr
      type(c_ptr), value :: trainer
      real(c_double), value :: lr
      integer(c_int) :: status
    end function ls_trainer_set_lr

    function ls_trainer_save(trainer, path) bind(c) result(status)
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function ls_trainer_save

    subroutine ls_trainer_destroy(trainer) bind(c)
      import :: c_ptr
      type(c_ptr), value :: trainer
    end subroutine ls_trainer_destroy

    function ls_model_save(model, path) bind(c) result(status)
      import :: c_char, c_int, c_ptr
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: status
    end function ls_model_save

    function ls_model_output_shape(model) bind(c) result(shape)
      import :: c_ptr, lockstep_shape
      type(c_ptr), value :: model
      type(lockstep_shape) :: shape
    end function ls_model_output_shape

    function ls_model_predict(model, n, x, y) bind(c) result(status)
      import :: c_float, c_int, c_ptr, c_size_t
      type(c_ptr), value :: model
      integer(c_size_t), value :: n
      real(c_float), intent(in) :: x(*)
      real(c_float), intent(inout) :: y(*)
      integer(c_int) :: status
    end function ls_model_predict
  end interface

contains

  pure function port_of(name, numbers, scalar) result(port)
    character(*), intent(in) :: name
    integer, intent(in) :: numbers
    logical, intent(in) :: scalar
    type(ls_port) :: port
    integer :: i
    port%name = c_null_char
    do i = 1, len(name)
      port%name(i) = name(i:i)
    end do
    port%type = 0 ! LS_REAL
    port%shape%ndim = merge(0, 1, scalar)
    port%shape%dim = 0
    port%shape%dim(1) = int(max(numbers, 0), c_size_t)
  end function port_of

  subroutine create(self, comm, config, inputs, targets, status, checkpoint)
    class(lockstep_trainer), intent(inout) :: self
    integer, intent(in) :: comm, inputs, targets
    character(*), intent(in) :: config
    integer, intent(out) :: status
    character(*), intent(in), optional :: checkpoint
    character(kind=c_char), allocatable, target :: path(:)
    type(c_ptr) :: from
    type(ls_port) :: x(1), y(1)
    type(lockstep_shape) :: shape
    integer :: i
    call self%destroy()
    lockstep_own_message = ''
    status = int(ls_comm_create_fortran(int(comm, c_int), self%comm))
    if (status /= 0) return
    status = int(ls_config_parse(config//c_null_char, 'config'//c_null_char, self%config))
    status = int(ls_comm_agree(self%comm, int(status, c_int)))
    from = c_null_ptr
    if (present(checkpoint)) then
      allocate (path(len_trim(checkpoint) + 1))
      do i = 1, len_trim(checkpoint)
        path(i) = checkpoint(i:i)
      end do
      path(len_trim(checkpoint) + 1) = c_null_char
      from = c_loc(path)
    end if
    x(1) = port_of('input', inputs, .false.)
    y(1) = port_of('target', targets, targets == 1)
    if (status == 0) status = int(ls_trainer_create_fed(self%comm, self%config, 1_c_size_t, x, &
      int(merge(1, 0, targets > 0), c_size_t), y, from, self%handle))
    if (status /= 0) then
      self%handle = c_null_ptr
      call self%destroy()
      return
    end if
    self%n_inputs = inputs
    self%n_targets = max(targets, 0)
    shape = ls_model_output_shape(ls_trainer_model(self%handle))
    self%n_outputs = int(product(shape%dim(1:shape%ndim)))
  end subroutine create

  !> This rank's lanes are first to last of 1 to all; last < first: it has none.
  subroutine lanes(self, all, first, last, room)
    class(lockstep_trainer), intent(in) :: self
    integer, intent(out) :: all, first, last
    integer, intent(out), optional :: room
    type(ls_lanes) :: own
    own = ls_lanes(0, 0, 0, 0)
    if (c_associated(self%handle)) own = ls_trainer_lanes(self%handle)
    all = int(own%all)
    first = int(own%first) + 1
    last = int(own%end)
    if (present(room)) room = int(own%room)
  end subroutine lanes

  !> Arrays that don't fit on one rank are refused on all.
  subroutine feed(self, x, y, status, weights, lane_samples, loss)
    class(lockstep_trainer), intent(in) :: self
    real(c_float), intent(in), contiguous, target :: x(:, :), y(:, :)
    integer, intent(out) :: status
    real(c_float), intent(in), contiguous, target, optional :: weights(:)
    integer, intent(in), optional :: lane_samples(:)
    real(c_double), intent(out), optional, target :: loss
    integer(c_size_t), allocatable, target :: counts(:)
    type(c_ptr) :: at_weights, at_loss
    at_weights = c_null_ptr
    at_loss = c_null_ptr
    status = fits(self, self%n_inputs, x, self%n_targets, y, lane_samples)
    if (status == 0 .and. present(weights)) then
      if (size(weights) /= size(x, 2)) lockstep_own_message = 'feed: one weight a sample is wanted'
      if (size(weights) > 0) at_weights = c_loc(weights)
    end if
    if (lockstep_own_message /= '') status = int(wrong_usage)
    if (.not. c_associated(self%handle)) return
    if (present(loss)) at_loss = c_loc(loss)
    call agree_on_own(self, status)
    if (status /= 0) return
    counts = counts_of(self, lane_samples)
    status = int(ls_trainer_feed(self%handle, size(x, 2, c_size_t), [address(x)], [address(y)], &
      at_weights, address_of_counts(counts), at_loss))
  end subroutine feed

  subroutine forward(self, x, y, status, lane_samples)
    class(lockstep_trainer), intent(in) :: self
    real(c_float), intent(in), contiguous, target :: x(:, :)
    real(c_float), intent(inout), contiguous, target :: y(:, :)
    integer, intent(out) :: status
    integer, intent(in), optional :: lane_samples(:)
    integer(c_size_t), allocatable, target :: counts(:)
    status = fits(self, self%n_inputs, x, self%n_outputs, y, lane_samples)
    if (status /= 0) return
    counts = counts_of(self, lane_samples)
    status = int(ls_trainer_forward(self%handle, size(x, 2, c_size_t), [address(x)], &
      address_of_counts(counts), [address(y)]))
  end subroutine forward

  !> dy(outputs, n) of this rank's last forward; n = 0: it has made none.
  subroutine backward(self, dy, status)
    class(lockstep_trainer), intent(in) :: self
    real(c_float), intent(in), contiguous, target :: dy(:, :)
    integer, intent(out) :: status
    type(c_ptr), target :: at(1)
    status = fits(self, self%n_outputs, dy, self%n_outputs, dy)
    if (.not. c_associated(self%handle)) return
    call agree_on_own(self, status)
    if (status /= 0) return
    at(1) = address(dy)
    if (size(dy, 2) > 0) then
      status = int(ls_trainer_backward(self%handle, c_loc(at)))
    else
      status = int(ls_trainer_backward(self%handle, c_null_ptr))
    end if
  end subroutine backward

  subroutine trainer_predict(self, x, y, status)
    class(lockstep_trainer), intent(in) :: self
    real(c_float), intent(in), contiguous, target :: x(:, :)
    real(c_float), intent(inout), contiguous, target :: y(:, :)
    integer, intent(out) :: status
    status = fits(self, self%n_inputs, x, self%n_outputs, y)
    if (status == 0) status = int(ls_model_predict(ls_trainer_model(self%handle), &
      size(x, 2, c_size_t), x, y))
  end subroutine trainer_predict

  integer function steps(self)
    class(lockstep_trainer), intent(in) :: self
    steps = 0
    if (c_associated(self%handle)) steps = int(ls_trainer_steps(self%handle))
  end function steps

  integer(c_int64_t) function weights_hash(self)
    class(lockstep_trainer), intent(in) :: self
    weights_hash = 0
    if (c_associated(self%handle)) weights_hash = ls_model_hash(ls_trainer_model(self%handle))
  end function weights_hash

  real(c_double) function lr(self)
    class(lockstep_trainer), intent(in) :: self
    lr = 0
    if (c_associated(self%handle)) lr = ls_trainer_lr(self%handle)
  end function lr

  subroutine set_lr(self, lr, status)
    class(lockstep_trainer), intent(in) :: self
    real(c_double), intent(in) :: lr
    integer, intent(out) :: status
    status = there(self)
    if (status == 0) status = int(ls_trainer_set_lr(self%handle, lr))
  end subroutine set_lr

  subroutine save(self, path, status)
    class(lockstep_trainer), intent(in) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    status = there(self)
    if (status == 0) status = int(ls_trainer_save(self%handle, trim(path)//c_null_char))
  end subroutine save

  subroutine save_network(self, path, status)
    class(lockstep_trainer), intent(in) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    type(c_ptr) :: model
    status = there(self)
    if (status /= 0) return
    model = ls_trainer_model(self%handle)
    if (ls_comm_rank(self%comm) == 0) status = int(ls_model_save(model, trim(path)//c_null_char))
    status = int(ls_comm_agree(self%comm, int(status, c_int)))
  end subroutine save_network

  subroutine destroy(self)
    class(lockstep_trainer), intent(inout) :: self
    call ls_trainer_destroy(self%handle)
    call ls_config_destroy(self%config)
    call ls_comm_destroy(self%comm)
    self%handle = c_null_ptr
    self%config = c_null_ptr
    self%comm = c_null_ptr
    self%n_inputs = 0
    self%n_targets = 0
    self%n_outputs = 0
  end subroutine destroy

  subroutine copy_trainer(self, other)
    class(lockstep_trainer), intent(inout) :: self
    class(lockstep_trainer), intent(in) :: other
    if (.not. c_associated(self%handle, other%handle)) error stop 'lockstep: a trainer can not be assigned'
  end subroutine copy_trainer

  integer function there(self)
    class(lockstep_trainer), intent(in) :: self
    lockstep_own_message = ''
    if (.not. c_associated(self%handle)) lockstep_own_message = 'the trainer was not created'
    there = merge(0, int(wrong_usage), lockstep_own_message == '')
  end function there

  !> 0 where x(inputs, n) and y(numbers, n) are so, and lane_samples fit, if they are there.
  integer function fits(self, inputs, x, numbers, y, lane_samples)
    class(lockstep_trainer), intent(in) :: self
    real(c_float), intent(in) :: x(:, :), y(:, :)
    integer, intent(in) :: inputs, numbers
    integer, intent(in), optional :: lane_samples(:)
    integer :: all, first, last
    fits = there(self)
    if (fits /= 0) return
    call self%lanes(all, first, last)
    if ((size(x, 1) /= inputs .or. size(y, 1) /= numbers) .and. size(x, 2) > 0) then
      write (lockstep_own_message, '(4(a, i0))') 'a sample has ', inputs, ' and ', numbers, &
        ' numbers, not ', size(x, 1), ' and ', size(y, 1)
    else if (size(x, 2) /= size(y, 2)) then
      write (lockstep_own_message, '(2(a, i0))') 'samples: ', size(x, 2), ' and ', size(y, 2)
    else if (present(lane_samples)) then
      if (size(lane_samples) /= last - first + 1) then
        write (lockstep_own_message, '(2(a, i0))') 'lane_samples: ', size(lane_samples), ' of lanes ', last - first + 1
      else if (any(lane_samples < 0)) then
        lockstep_own_message = 'lane_samples: less than 0'
      end if
    end if
    fits = merge(0, int(wrong_usage), lockstep_own_message == '')
  end function fits

  !> What this rank has found itself, so that all return the same.
  subroutine agree_on_own(self, status)
    class(lockstep_trainer), intent(in) :: self
    integer, intent(inout) :: status
    integer :: mine
    mine = status
    status = int(ls_comm_agree(self%comm, int(mine, c_int)))
    if (mine == 0) lockstep_own_message = ''
    if (status /= 0 .and. mine == 0) lockstep_own_message = 'arrays of another rank do not fit'
  end subroutine agree_on_own

  function address(array) result(at)
    real(c_float), intent(in), contiguous, target :: array(:, :)
    type(c_ptr) :: at
    at = c_null_ptr
    if (size(array) > 0) at = c_loc(array)
  end function address

  function counts_of(self, lane_samples) result(counts)
    class(lockstep_trainer), intent(in) :: self
    integer, intent(in), optional :: lane_samples(:)
    integer(c_size_t), allocatable :: counts(:)
    allocate (counts(0))
    if (present(lane_samples) .and. c_associated(self%handle)) counts = int(lane_samples, c_size_t)
  end function counts_of

  function address_of_counts(counts) result(at)
    integer(c_size_t), intent(in), target :: counts(:)
    type(c_ptr) :: at
    at = c_null_ptr
    if (size(counts) > 0) at = c_loc(counts)
  end function address_of_counts
end module lockstep_training
